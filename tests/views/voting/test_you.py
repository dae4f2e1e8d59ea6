"""The form that asks who takes part says, before it is sent, what becomes of an answer."""

import pytest

from schemas import words
from views.pages import rendering
from views.voting.places import Place


@pytest.mark.parametrize(("language", "loss"), [
    ("en", "An answer may be lost"), ("fr", "Une réponse peut être perdue")])
def test_the_form_says_that_an_answer_may_be_lost_before_it_is_sent(
    language: str, loss: str
) -> None:
    """A gateway that is stopped loses what it holds: whoever answers reads so above the form."""
    rendered = rendering.render(
        "vote_you.html", language, **Place("town").model(),
        consultation={"id": "town", "question": {"fr": "Que faire ?"}, "languages": ["fr"]},
        closes=None, path="/c/town/vote/you", offered=words.ANSWERS, may=True, thanks=False)

    before, form, _ = rendered.decode().partition('<form method="post" action="/c/town/vote/you"')
    assert form
    assert loss in before
