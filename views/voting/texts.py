"""What the booth's script says, in each language: the words of the templates, as one small file.

Theory of operation: the file is the same for everybody and its address names its state, so that a
browser has it once. Placeholders stay as they are; of what is counted both forms are given.
"""

import functools
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from views import asked
from views.encoding import encode_json
from views.pages.languages import LANGUAGES, translations
from views.static_files import LIFE


def routes() -> list[Route]:
    """Return an address for each language."""
    return [Route(f"/static/vote.{language}.json", _send) for language in LANGUAGES]


async def _send(request: Request) -> Response:
    language = asked.path_of(request).rsplit(".", 2)[1]
    return Response(written(language), media_type="application/json", headers=LIFE)


@functools.cache
def written(language: str) -> bytes:
    """Write the texts of a language."""
    return encode_json(_texts(language))


def _texts(language: str) -> dict[str, Any]:
    catalogue = translations(language)
    _ = catalogue.gettext

    def counted(one: str, many: str) -> list[str]:
        return [catalogue.ngettext(one, many, 1), catalogue.ngettext(one, many, 2)]

    return {
        "choices": {"agree": _("Agree"), "disagree": _("Disagree"), "neutral": _("Neutral")},
        "qualifications": {
            "like_it": _("Love it"), "doable": _("Realistic"), "platitude_agree": _("Platitude"),
            "no_way": _("No way!"), "impossible": _("Impossible"),
            "platitude_disagree": _("Platitude"),
            "do_not_understand": _("I do not understand"), "no_opinion": _("No opinion"),
            "do_not_care": _("I do not care")},
        "title_choice": _("Your vote: %(choice)s"), "withdrawn": _("Vote withdrawn"),
        "title": _("Vote: %(question)s"), "recorded": _("Recorded: %(choice)s"),
        "progress": _("Proposal %(place)s of %(count)s"),
        "organisation": _("organisation"), "age_and_over": _("%(age)s and over"),
        "age_under": _("under %(age)s"), "age_years": _("%(band)s years"),
        "opinion": _("Your opinion of this proposal"), "say_more": _("Say more, if you like:"),
        "outcome": _("Your vote is withdrawn: it counts no longer."),
        "vote_again": _("Undo: vote “%(choice)s” again"),
        "back_to": _("Undo: back to “%(choice)s”"),
        "next": _("Next proposal"), "skip": _("Skip this proposal"), "go_on": _("Continue"),
        "withdraw": _("Withdraw my vote"), "everybody": _("What everybody votes"),
        "rounded": _("Percentages are rounded, so they need not add up to 100."),
        "vote": counted("%(count)s vote", "%(count)s votes"),
        "counted": counted("%(count)s vote counted", "%(count)s votes counted"),
        "yours": _("yours among them."),
        "in_a_moment": _("Your vote lies in the log and is counted in a moment."),
        "look_again": _("Look again"),
        "its_page": _("The page of this proposal, to read on or to share"),
        "none_counted": _("No vote on this proposal is counted yet."),
        "receipt": _("Download the receipt"), "check": _("Check it in the log"),
        "good_for": _("What it is good for"), "who": _("Who takes part?"),
        "who_asks": _("Three questions about you, each optional: gender, age, region. The answers "
                      "are kept apart from your votes and cannot be joined to them."),
        "answer": _("Answer"), "decline": _("No, thank you"),
    }
