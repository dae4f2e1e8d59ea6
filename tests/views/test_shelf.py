"""What is kept to be sent again is bounded in bytes; the last asked for stays."""


from hypothesis import given
from hypothesis import strategies as st

from tests.memory import traced
from views.shelf import ENTRY_BYTES, Shelf


KEYS = st.integers(0, 5)
STEPS = st.lists(st.tuples(st.sampled_from(("put", "get", "weigh", "drop")), KEYS,
                           st.integers(0, 3 * ENTRY_BYTES)), max_size=60)
BYTES_MOST = 4 * ENTRY_BYTES


@given(steps=STEPS)
def test_a_shelf_holds_no_more_bytes_than_it_may(steps: list[tuple[str, int, int]]) -> None:
    """Whatever is put, taken, weighed and dropped; the last one put is always there."""
    shelf: Shelf[int, object] = Shelf(BYTES_MOST)
    held: dict[int, object] = {}
    for step, key, size in steps:
        if step == "put":
            held[key] = object()
            shelf.put(key, held[key], size)
            assert shelf.get(key) is held[key]
        elif step == "weigh" and key in held:
            shelf.weigh(key, held[key], size)
        elif step == "drop":
            shelf.drop(key)
        found = shelf.get(key)

        assert found is None or found is held[key]
        assert shelf.size_bytes <= BYTES_MOST or len(shelf) == 1
        assert shelf.size_bytes >= len(shelf) * ENTRY_BYTES


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    """Asking keeps."""
    shelf: Shelf[str, str] = Shelf(2 * ENTRY_BYTES)
    shelf.put("a", "A")
    shelf.put("b", "B")
    assert shelf.get("a") == "A"
    shelf.put("c", "C")

    assert [shelf.get(key) for key in "abc"] == ["A", None, "C"]


def test_what_was_put_in_anothers_place_is_not_weighed_as_the_other() -> None:
    """Work that ends late says nothing about what has taken its place."""
    shelf: Shelf[str, object] = Shelf(BYTES_MOST)
    first, second = object(), object()
    shelf.put("a", first)
    shelf.put("a", second, 7)
    shelf.weigh("a", first, 9_999)

    assert shelf.size_bytes == ENTRY_BYTES + 7


def test_an_entry_takes_no_more_than_it_is_counted_for() -> None:
    """Its key as long as the longest that a visitor can have made, and what holds it."""
    with traced() as memory:
        shelf: Shelf[tuple[str, tuple[str, ...]], bytes] = Shelf(1 << 30)
        for number in range(2_000):
            key = (f"c{number}", tuple(f"{number}-{each}" for each in range(2)))
            shelf.put(key, bytes(1_000), 1_000)

    assert memory.size_bytes <= shelf.size_bytes
