"""`scrutin audit`: is what was published true?"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from scrutin.audit import beginning
from scrutin.audit.beginning import Missing, say
from scrutin.audit.people import people_of
from scrutin.process.foreign_files import (
    DOCUMENT_BYTES_MAX,
    read_foreign,
    read_foreign_text,
    read_policy,
)
from scrutin.settings import Settings, load
from sinks.catching_up import WAIT_SECONDS
from sinks.recount import report, what_if_report
from sinks.recount.audit import Audit, audit
from sinks.recount.checks import EQUAL, EXIT_CODES
from sinks.recount.guard import check_guard
from sinks.recount.reading import Reading
from sinks.recount.supposing import BadSupposition, suppose
from sinks.recount.what_if import WhatIf, what_if
from sinks.transparency.notes import Refused
from sinks.transparency.results_notes import require_signed
from views.operations import recounts


WHAT_IF = "What if"

JsonReport = Annotated[
    bool, typer.Option("--json", help="Print the report as JSON on stdout.")]
SavedDocument = Annotated[
    Path | None, typer.Option(help="A saved results document to audit instead of the live "
                                   "results; - for stdin.")]
Note = Annotated[
    Path | None, typer.Option(help="The signed note of the document: the saved answer of "
                                   "/v1/consultations/ID/results/note.")]
Policy = Annotated[
    Path | None, typer.Option(help="The public keys: the saved answer of "
                                   "/log/PREFIX/policy.")]
SavedGuard = Annotated[
    Path | None, typer.Option(help="A saved guard document, to be compared with the archive as "
                                   "well: the answer of /v1/consultations/ID/guard.")]
Columns = Annotated[
    bool, typer.Option(help="Decode the columns of every archived row again, too. Without it "
                            "that is done where anything differs.")]
Wait = Annotated[
    float, typer.Option(
        min=0, help="Seconds to wait for the archive to hold what was published.")]
ShowEmbargoed = Annotated[
    bool, typer.Option(
        "--show-embargoed", help="Print numbers though they are hidden until voting has closed.")]
When = Annotated[
    str | None, typer.Option(
        "--as-of", metavar="WHEN", rich_help_panel=WHAT_IF,
        help="Count only votes up to an instant (the longest prefix of each partition without "
             "a later Kafka timestamp), or up to offsets, as 0:123,1:456.")]
WithoutRule = Annotated[
    list[str] | None, typer.Option(
        metavar="RULE", rich_help_panel=WHAT_IF,
        help="Set no vote aside as unproven or suspended, or by one rule of the guard, by its name "
             "or 1 to 15; may be given several times.")]
MappingAsOf = Annotated[
    int | None, typer.Option(
        metavar="CATALOGUE_OFFSET", rich_help_panel=WHAT_IF,
        help="Group proposals into ideas as up to this record of the catalogue.")]
Scores = Annotated[
    str | None, typer.Option(
        metavar="VERSION", rich_help_panel=WHAT_IF, help="Score by another version.")]


def recount(  # noqa: PLR0913 -- each is an option of the command line
    consultation: Annotated[str, typer.Argument(help="Identifier of the consultation.")],
    *,
    json_report: JsonReport = False,
    document: SavedDocument = None,
    note: Note = None,
    policy: Policy = None,
    guard: SavedGuard = None,
    columns: Columns = False,
    wait: Wait = WAIT_SECONDS,
    show_embargoed: ShowEmbargoed = False,
    when: When = None,
    without_rule: WithoutRule = None,
    mapping_as_of: MappingAsOf = None,
    scores: Scores = None,
) -> None:
    """Recount a consultation in four ways and compare to the unit.

    Live results, the ledger over the archived votes, SQL over the votes, and the sum of changes
    over the decisions. Exit codes: 0 equal, 1 recomputed is not what was published, 2 usage,
    3 something missing or unreachable, 4 decisions do not commit to the votes, the archive
    contradicts itself or the note does not fit, 5 unreadable.

    With one of the last four options it recounts as supposed instead, and lists every published
    number that would be another: 0 none, 1 some.

    While shares are hidden until voting has closed, it says what is equal and prints no number.
    """
    settings = load()
    with beginning.exit_codes():
        supposed = suppose(
            as_of=when, without_rules=without_rule or (), mapping_as_of=mapping_as_of,
            scores=scores, partitions=settings.partitions)
        if supposed and columns:
            raise BadSupposition("--columns belongs to a recount without a what-if: leave one out.")
        _require_signed(note, document, policy)
        with beginning.published(consultation, settings, document) as (
                published, reading, embargoed):
            hidden = embargoed and not show_embargoed
            if supposed:
                _require_shown(hidden=hidden)
                _end(what_if(consultation, published, supposed, reading, say=say,
                             wait_seconds=wait), json_report=json_report)
            found = audit(
                consultation, published, reading, say=say, wait_seconds=wait, columns=columns,
                people=people_of(settings, consultation, published))
            _add_guard(found, guard, reading, wait)
    if document is None and guard is None:
        _keep(found, settings)
    _tell(report.without_numbers(found) if hidden else found, json_report=json_report)


def _add_guard(
    found: Audit, path: Path | None, reading: Reading, wait_seconds: float
) -> None:
    """Check a saved guard document, too, if one is given."""
    if path is not None:
        document = beginning.saved_guard(path, found.consultation, len(reading.vector))
        found.checks += check_guard(document, reading, say=say, wait_seconds=wait_seconds)


def _tell(found: Audit, *, json_report: bool) -> NoReturn:
    """Print what was found, and end with its exit code."""
    _print(report.as_json(found) if json_report else report.lines(found))
    raise typer.Exit(EXIT_CODES[found.verdict])


def _print(made: dict[str, Any] | Iterator[str]) -> None:
    typer.echo(json.dumps(made, ensure_ascii=False, indent=1) if isinstance(made, dict)
               else "\n".join(made))


def _end(answer: WhatIf, *, json_report: bool) -> NoReturn:
    """Print what a supposition changes, and end with its exit code."""
    _print(what_if_report.as_json(answer) if json_report else what_if_report.lines(answer))
    raise typer.Exit(answer.exit_code)


def _require_shown(*, hidden: bool) -> None:
    if hidden:
        raise BadSupposition("the shares are hidden until voting has closed, and a what-if lists "
                             "them: give --show-embargoed if you may see them.")


def _keep(found: Audit, settings: Settings) -> None:
    """Leave the verdict on what is live for the operators' page."""
    checks = [check.status for check in found.checks]
    verdict = recounts.Verdict(
        found.consultation, found.verdict, EXIT_CODES[found.verdict], len(checks),
        checks.count(EQUAL), found.as_of["votes"], time.time())
    try:
        recounts.keep(settings.data_folder, verdict)
    except OSError as error:
        say(f"the operators' page is not told: {settings.data_folder} cannot be written ({error})")


def _require_signed(note: Path | None, document: Path | None, policy: Path | None) -> None:
    """Raise Refused where a note is given that the catalogue's key did not sign of the document."""
    if note is None:
        return
    if document is None or policy is None:
        raise Missing("a note is checked with its document and the public keys: give --document, "
                       "the saved answer of /v1/consultations/ID/results/signed, and --policy.")
    signers = [verifier for origin, verifier in read_policy(policy).items()
               if origin.endswith("/catalogue/0")]
    if len(signers) != 1:
        raise Refused(f"the policy names {len(signers)} logs of a catalogue, it must name one")
    require_signed(read_foreign_text(note), read_foreign(document, DOCUMENT_BYTES_MAX), signers[0])
    say("the document is the one that was signed")
