# ruff: noqa: INP001 -- a program beside the pages it writes, not a package
"""Write the parts of the documentation that follow from the code: `python docs/generate.py`.

Enters: the schemas, the settings, the command line. Leaves: docs/events.md, docs/commands.md, the
tables between markers in docs/operate.md, and the settings that values of the chart may set. A test
holds them fresh; `make docs` writes them.
"""

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import typer
from pydantic.fields import FieldInfo


ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # run as a program, from any folder

from schemas import registry  # noqa: E402 -- after the path is set
from schemas.figures import FIGURES  # noqa: E402 -- as above
from schemas.topics import Topics  # noqa: E402 -- as above
from scrutin.main import application  # noqa: E402 -- as above
from scrutin.settings import Settings  # noqa: E402 -- as above


HEADER = "<!-- Written by docs/generate.py: change the source it names, then run `make docs`. -->"
TOPICS = Topics("scrutin", Settings.model_fields["partitions"].default)
EVENTS_OF = {
    TOPICS.votes: (
        "VoteCast", "VoteWithdrawn", "QualificationAdded", "QualificationWithdrawn",
        "RulesAdopted", "VoterSuspended", "VoterReinstated", "ConsultationClosed",
        "ConsultationSealed"),
    TOPICS.decisions: ("DecisionMade",),
    TOPICS.catalogue: (
        "ConsultationDescribed", "ThemeDescribed", "IdeaDescribed", "ProposalAccepted",
        "ProposalGrouped", "PartnerDescribed", "CodesIssued", "ProposalCorrected",
        "DescriptionCorrected", "ProposalRetired", "ProposalRestored", "ConsultationClosed",
        "ClosingCompleted", "ConsultationSealed", "UndecodableAccepted", "PublicKeyNamed",
        "GuardRuleChanged", "FindingConfirmed", "FindingDismissed", "ReviewAnswered",
        "RulesAnnounced", "KeysNamed", "CatalogueSigned"),
    TOPICS.participants: ("ParticipantDescribed", "ConsultationClosed"),
    TOPICS.sequences: ("SequenceDrawn", "SequenceServed", "DoorCounted", "ReviewAsked"),
    TOPICS.networks: ("NetworksSeen", "ChallengeRaised"),
    TOPICS.patrol: ("PatrolJudged",),
    TOPICS.tallies: ("ProposalTallied", "ParticipationTallied", "TalliesFlushed"),
    TOPICS.results: (
        "ProposalScored", "IdeaScored", "ConsultationScored", "ProposalsRanked",
        "DescriptionsPublished", "RoutesCounted", "DrawnRanked", "RankingsHeld",
        "LeaseTaken", "ResultsPublished"),
}
"""Where each event lies; a new one without a place here fails the test."""
WITHOUT_EVENTS = {
    TOPICS.dead_letters: ("undecodable records, as they came",),
    TOPICS.clocks: ("records without content, which the broker stamps",),
}
CHART = ROOT / "deploy/helm/scrutin"
NOT_OFFERED = {
    "cache_dir": "the local stack's alone",
    "instance": "the pod's name, of each its own",
    "kafka_token": "OAUTHBEARER is not in the chart",
}
"""Settings that values of the chart cannot set though the chart does not, and why."""


def pages() -> dict[Path, str]:
    """Return every generated page as it should read, by its path."""
    operate = ROOT / "docs/operate.md"
    text = operate.read_text("utf-8")
    text = between(text, "settings", settings_table())
    text = between(text, "topics", topics_table())
    text = between(text, "figures", figures_table())
    return {
        ROOT / "docs/events.md": events_page(),
        ROOT / "docs/commands.md": commands_page(),
        operate: text,
        CHART / "values.schema.json": chart_schema(),
    }


def between(text: str, name: str, inner: str) -> str:
    """Replace what stands between the markers of a name."""
    begin, end = f"<!-- {name}: written by docs/generate.py -->", f"<!-- /{name} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"the markers `{begin}` and `{end}` are missing")
    return f"{before}{begin}\n\n{inner}\n{end}{after}"


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Lay out a Markdown table."""
    lines = [header, ("---",) * len(header), *rows]
    cells = ([cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


# Settings and topics


def settings_table() -> str:
    """List every setting with its default and meaning."""
    return table(("variable", "default", "meaning"), [
        (f"`SCRUTIN_{name.upper()}`", _default(field), field.description or "")
        for name, field in Settings.model_fields.items()
    ])


def _default(field: FieldInfo) -> str:
    text = str(field.default)
    return f"`{text}`" if text else "empty"


def chart_schema() -> str:
    """Offer every setting in the chart's `settings` that it does not set itself; no secret."""
    path = CHART / "values.schema.json"
    found = json.loads(path.read_text("utf-8"))
    told = {name.removesuffix("_FILE") for name in chart_variables()}
    found["$defs"]["settings"]["propertyNames"]["enum"] = sorted(
        name for name, field in Settings.model_fields.items()
        if field.repr and f"SCRUTIN_{name.upper()}" not in told and name not in NOT_OFFERED)
    return json.dumps(found, indent=2) + "\n"


def chart_variables() -> set[str]:
    """Name the variables that the chart's templates set."""
    text = "\n".join(path.read_text("utf-8") for path in sorted((CHART / "templates").iterdir()))
    text = "\n".join(text.replace("{{ $kind }}", kind) for kind in ("VIEWS", "GATEWAY"))
    return set(re.findall(r"^(SCRUTIN_[A-Z_]+):", text, re.MULTILINE))


def topics_table() -> str:
    """List every topic with the partitions and settings without which no worker starts."""
    return table(("topic", "partitions", "settings it must have", "events"), [
        (f"`{topic.name}`",
         "as `SCRUTIN_PARTITIONS`" if topic.partitions > 1 else str(topic.partitions),
         ", ".join(f"`{name}={value}`" for name, value in topic.settings.items()),
         ", ".join((EVENTS_OF | WITHOUT_EVENTS)[topic.name]))
        for topic in TOPICS.specifications()
    ])


def figures_table() -> str:
    """List every figure of /metrics with where it is measured and what it means."""
    return table(("figure", "measured by", "unit", "meaning"), [
        (f"`{figure.name}`" + (f" by {', '.join(figure.labels)}" if figure.labels else ""),
         figure.process, figure.unit, figure.meaning)
        for figure in FIGURES.values()
    ])


# Events


_AGAIN = {
    TOPICS.catalogue: "announced here first",
    TOPICS.participants: "which ends the descriptions that count",
}


def events_page() -> str:
    """Document every event: its place, its id, its fields."""
    parts = [HEADER, _EVENTS_HEAD]
    shown: set[str] = set()
    for topic, events in EVENTS_OF.items():
        parts.append(f"## `{topic}`\n")
        again = [f"[{event}](#{event.lower()})" for event in events if event in shown]
        parts += [f"Also {', '.join(again)}, {_AGAIN[topic]}.\n"] if again else []
        parts += [_event(registry.newest(event)) for event in events if event not in shown]
        shown.update(events)
    unplaced = {schema.event for schema in registry.all_schemas().values()} - shown
    if unplaced:
        raise ValueError(f"no topic is named for {sorted(unplaced)}: see EVENTS_OF")
    return "\n".join(parts)


_EVENTS_HEAD = """
# Events

Every record is Avro in Confluent wire format: a zero byte, the schema id as four bytes big-endian,
the body. The ids below are the same in every environment. A field is documented where the schema
documents it: `schemas/events/*.avsc`; every version ever published stays in `schemas/history/`,
and each can be read by all the others (compatibility FULL_TRANSITIVE, tested).

Lengths are in UTF-8 bytes. Instants are whole milliseconds since 1970, UTC. A record that breaks a
bound, ends early or goes on after its last field is undecodable: it is refused, never guessed at.
"""


def _event(schema: registry.Schema) -> str:
    rows = list(_fields(schema.raw, ""))
    about = f"{schema.raw['doc']} Schema id {schema.id}, version {schema.version}.\n"
    return "\n".join((
        f"### {schema.event}\n", about, table(("field", "type", "meaning"), rows)))


def _fields(record: dict[str, Any], path: str) -> Iterator[tuple[str, ...]]:
    """Yield one row a field, those of inner records below theirs."""
    for field in record["fields"]:
        name = f"{path}{field['name']}"
        bounds = {key: field[key] for key in ("minLength", "maxItems") if key in field}
        yield f"`{name}`", _type(field["type"], bounds), field.get("doc", "")
        inner = _inner_record(field["type"])
        if inner:
            yield from _fields(inner, f"{name}.")


def _inner_record(kind: Any) -> dict[str, Any] | None:
    if isinstance(kind, list):
        return next(filter(None, map(_inner_record, kind)), None)
    if isinstance(kind, dict):
        if kind["type"] == "record":
            return kind
        return _inner_record(kind.get("items") or kind.get("values"))
    return None


def _type(kind: Any, bounds: dict[str, Any] | None = None) -> str:
    """Write a type for people; `bounds` are those written on the field itself."""
    if isinstance(kind, list):
        return f"{_type(kind[1], bounds)} or null"
    if isinstance(kind, str):
        return kind
    bounded = {**kind, **(bounds or {})}
    write = _TYPES.get(kind["type"])
    return write(bounded) if write else str(kind["type"])


def _collection(kind: dict[str, Any]) -> str:
    most = f"at most {kind['maxItems']} " if "maxItems" in kind else ""
    return f"{kind['type']} of {most}{_type(kind.get('items') or kind['values'])}"


def _string(kind: dict[str, Any]) -> str:
    least, most = kind.get("minLength", 0), kind.get("maxLength")
    if most is None:
        return f"string, at least {least} bytes" if least else "string"
    return f"string, {least} to {most} bytes"


_TYPES: dict[str, Callable[[dict[str, Any]], str]] = {
    "record": lambda kind: str(kind["name"]),
    "fixed": lambda kind: f"{kind['name']}, {kind['size']} bytes",
    "enum": lambda kind: " · ".join(f"`{symbol}`" for symbol in kind["symbols"]),
    "array": _collection,
    "map": _collection,
    "string": _string,
    "bytes": lambda kind: f"at most {kind['maxLength']} bytes",
    "long": lambda kind: "instant" if "logicalType" in kind else "long",
}


# Commands


def commands_page() -> str:
    """Document every command from its own help."""
    parts = [HEADER, _COMMANDS_HEAD, _exit_codes()]
    for words, command in _commands(typer.main.get_group(application()), ("scrutin",)):
        parts.append(_command(words, command))
    return "\n".join(parts)


_COMMANDS_HEAD = """
# Commands

`scrutin COMMAND --help` says the same at the terminal, `scrutin --version` which version it is.
Data goes to stdout, progress and log lines to stderr. Every command reads its
[settings](operate.md#settings) from the environment.
"""


def _exit_codes() -> str:
    paragraphs = (inspect.getdoc(sys.modules["scrutin.main"]) or "").split("\n\n")
    said = next(paragraph for paragraph in paragraphs if paragraph.startswith("Exit codes"))
    return f"## Exit codes\n\n{said} See [operate](operate.md#exit-codes).\n"


def _commands(group: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Walk the commands in order of their names; groups give their members."""
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from _commands(command, (*words, name))
        else:
            yield (*words, name), command


def _command(words: tuple[str, ...], command: Any) -> str:
    context = typer.Context(command, info_name=" ".join(words))
    usage = " ".join(command.collect_usage_pieces(context))
    parts = [f"## {' '.join(words[1:])}\n", f"```\n{' '.join(words)} {usage}\n```\n",
             re.sub(r"[\f\b]", "", inspect.cleandoc(command.help or "")) + "\n"]
    records = [found.get_help_record(context) for found in command.params if found.name != "help"]
    if records:
        parts.append(table(("parameter", "meaning"), [
            (f"`{record[0]}`", re.sub(r" +", " ", record[1] or "").replace(f"{ROOT}/", ""))
            for record in records if record]))
    return "\n".join(parts)


def main() -> None:
    """Write what is stale; say which."""
    for path, text in pages().items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(f"wrote {path.relative_to(ROOT)}", file=sys.stderr)  # noqa: T201 -- a program


if __name__ == "__main__":
    main()
