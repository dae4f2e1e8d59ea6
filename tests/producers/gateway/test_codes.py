"""Codes: nobody guesses or mistypes one into another, and none is added unseen."""

import contextlib
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from producers.gateway import codes
from producers.gateway.follower import Follower
from producers.gateway.issued_codes import AGAIN_SECONDS, IssuedCodes
from producers.gateway.keys import KeyFolder, KeysDestroyed
from producers.gateway.refusals import Refused
from producers.issuing import made
from schemas import codec
from schemas.codes import ISSUED
from schemas.private_files import make_private_folder
from schemas.topics import Topics
from sinks.transparency.hashing import leaf_hashes
from sinks.transparency.tree import Tree


CODES = st.binary(min_size=codes.CODE_BYTES, max_size=codes.CODE_BYTES)


def issued(folder: Path, *issues: codes.Issue, named: tuple[codes.Issue, ...] = ()) -> IssuedCodes:
    """Let a log name issues, whose hashes lie in the folder; those of `named` do not."""
    follower, keys = Follower("127.0.0.1:9", Topics("scrutin", 1)), KeyFolder(folder)
    for each in (*issues, *named):
        follower.known.apply(*codec.decode(codec.encode(
            ISSUED, event_id=each.root[:16], consultation="town", codes=each.size, root=each.root,
            origin="operator", occurred_at=0)))
    for each in issues:
        keys.keep_codes("town", each.root, each.hashes)
    return IssuedCodes(keys, follower)


def refusal(found: IssuedCodes, text: str, of: str = "town") -> str:
    """Return why a text is not taken for a code."""
    with pytest.raises(Refused) as refused:
        found.bearer(of, text)
    return refused.value.problem.name


@given(CODES)
def test_a_code_is_read_as_people_type_it(code: bytes) -> None:
    """With or without dashes, in small letters, with letters that look like the digits."""
    text = codes.written(code)

    assert len(text.replace("-", "")) == codes.CHARACTERS
    for typed in (text, text.replace("-", ""), text.lower(), f" {text.replace('-', ' ')}\n",
                  text.replace("0", "O").replace("1", "l")):
        assert codes.read(typed) == code


def test_a_slip_of_the_finger_is_no_code() -> None:
    """Any one character instead of another, two exchanged, one too few or too many, none at all."""
    text = codes.written(bytes(range(16))).replace("-", "")
    slips = [text[:at] + other + text[at + 1:] for at in range(len(text))
             for other in "0123456789ABCDEFGHJKMNPQRSTVWXYZU*é" if other != text[at]]
    slips += [text[:at] + text[at + 1] + text[at] + text[at + 2:]
              for at in range(len(text) - 1) if text[at] != text[at + 1]]

    assert len(slips) > 900
    assert [slip for slip in slips if codes.read(slip) is not None] == []
    others = ("", "-", text[1:], text + "0", "0" * 10_000)
    assert [each for each in others if codes.read(each) is not None] == []


@given(st.lists(CODES, min_size=1, max_size=40, unique=True), CODES)
def test_an_issue_says_what_was_issued_and_nothing_of_its_order(
    drawn: list[bytes], other: bytes
) -> None:
    """Its root is that of the transparency logs' tree over the hashes, ascending."""
    hashes = [codes.hash_of("town", code) for code in drawn]
    issue = codes.issue_of(hashes)
    tree = Tree()
    list(tree.append(leaf_hashes(sorted(hashes))))

    assert issue.root == tree.root()
    assert issue == codes.issue_of(reversed(hashes)) == codes.read_issue(issue.hashes)
    assert all(codes.holds(issue, each) for each in hashes)
    assert codes.holds(issue, codes.hash_of("town", other)) == (other in drawn)
    assert codes.hash_of("village", drawn[0]) not in hashes


def test_a_code_stands_for_the_same_voter_at_every_gateway(tmp_path: Path) -> None:
    """As long as the folder of keys is the same; another code for another one, of a later issue,
    too."""
    (first, second), issue = made("town", 2)
    (third,), later = made("town", 1)
    one, other = issued(tmp_path, issue, later), issued(tmp_path, issue, later)
    bearers = [one.bearer("town", text) for text in (first, second, third)]

    assert bearers == [other.bearer("town", text) for text in (first, second, third)]
    assert len(set(bearers)) == 3
    assert (one.asked("town"), one.asked("village")) == (True, False)


def test_what_was_not_issued_for_a_consultation_is_no_code_of_it(tmp_path: Path) -> None:
    """A code that was never made, that of another consultation, and what is none."""
    (mine,), issue = made("town", 1)
    (others,), _ = made("village", 1)
    found = issued(tmp_path, issue)

    assert refusal(found, others) == refusal(found, "0000") == "wrong-code"
    assert refusal(found, mine, "village") == "wrong-code"


def test_who_has_not_read_the_catalogue_since_before_an_opening_lets_nobody_vote_without_a_code(
    tmp_path: Path
) -> None:
    """Frozen or cut off when the first codes came it knows of none, and votes would count that are
    of no code. One that opened long ago waits for no look."""
    _, issue = made("town", 1)
    found, opens_at = issued(tmp_path), 1_000_000_000
    found._clock = lambda: 500.0
    said: list[bool | str] = []
    for read_seconds_ago, open_seconds in ((90, 20), (90, 40), (5_000, 86_400), (0, 0)):
        found._follower.whole_at = 500.0 - read_seconds_ago
        try:
            said.append(found.none_asked("town", opens_at, opens_at + 1_000 * open_seconds))
        except Refused as refused:
            said.append(refused.problem.name)
    asked = issued(tmp_path, issue).none_asked("town", opens_at, opens_at)

    assert (said, asked) == (["votes-unavailable", True, True, True], False)


def test_nobody_adds_a_code_by_writing_into_the_folder(tmp_path: Path) -> None:
    """Hashes of another root than the log names are not taken, nor are fewer or more of them; then
    nobody knows whether a code is wrong, and says so."""
    (mine, *_), issue = made("town", 3)
    (planted,), other = made("town", 1)
    for content in (other.hashes + issue.hashes[codes.HASH_BYTES:], issue.hashes + other.hashes,
                    other.hashes):
        found = issued(tmp_path, issue)
        [file] = tmp_path.rglob("*.sha256")
        file.write_bytes(content)
        assert refusal(found, planted) == refusal(found, mine) == "votes-unavailable"
        file.unlink()


def test_a_folder_without_an_issue_is_no_reason_to_call_its_codes_wrong(tmp_path: Path) -> None:
    """What was copied to this gateway is taken, of the rest nobody can tell."""
    (here,), issue = made("town", 1)
    (there,), missing = made("town", 1)
    found = issued(tmp_path, issue, named=(missing,))

    assert len(found.bearer("town", here)) == codes.CODE_BYTES
    assert refusal(found, there) == "votes-unavailable"


def test_who_shows_codes_by_thousands_has_the_folder_read_no_more_often(tmp_path: Path) -> None:
    """An issue that is not there is looked for again after a moment, and said again then: each try
    would else read a file and write a line. Once its file is there it is taken."""
    (mine, *others), issue = made("town", 50)
    found, now = issued(tmp_path, named=(issue,)), [0.0]
    found._clock = lambda: now[0]
    with capture_logs() as said:
        refused = {refusal(found, each) for each in (mine, *others)}
        now[0] = AGAIN_SECONDS
        refused.add(refusal(found, mine))
        KeyFolder(tmp_path).keep_codes("town", issue.root, issue.hashes)
        refused.add(refusal(found, mine))
        now[0] *= 2

    assert (len(said), refused) == (2, {"votes-unavailable"})
    assert len(found.bearer("town", mine)) == codes.CODE_BYTES


def test_no_hashes_lie_there_once_keys_are_sealed_whoever_was_first(tmp_path: Path) -> None:
    """Codes are made and keys are sealed at once, again and again: no file of codes is left."""
    _, issue = made("town", 1)

    def keep(folder: Path) -> None:
        with contextlib.suppress(KeysDestroyed):
            KeyFolder(folder).keep_codes("town", issue.root, issue.hashes)

    with ThreadPoolExecutor(2) as both:
        for number in range(200):
            folder = tmp_path / str(number)
            make_private_folder(KeyFolder(folder).folder_of("town"))
            kept = both.submit(keep, folder)
            both.submit(KeyFolder(folder).seal, "town").result()
            kept.result()

    assert [*tmp_path.rglob("*.sha256*")] == []


def test_hashes_are_their_owner_s_and_go_with_the_keys(tmp_path: Path) -> None:
    """Mode 0600; sealing destroys them, and none is put there afterwards."""
    _, issue = made("town", 1)
    keys = KeyFolder(tmp_path)
    file = keys.keep_codes("town", issue.root, issue.hashes)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file in keys.seal("town")
    assert keys.codes("town", issue.root, len(issue.hashes)) is None
    with pytest.raises(KeysDestroyed):
        keys.keep_codes("town", issue.root, issue.hashes)
