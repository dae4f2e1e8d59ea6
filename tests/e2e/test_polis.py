"""Four real vote logs, imported and counted end to end: every figure of their README."""

import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

from deploy.local import services
from processors.ledger.decisions import decode
from processors.ledger.standing import fields as standing_fields
from producers.polis import voter_of
from schemas.topics import Topics
from tests.e2e import polis
from tests.e2e.running import Worker, end_offsets, eventually, read, scrutin, workers


PARTITIONS = 4


async def test_polis_sets_imported_twice_give_every_figure_of_their_readme(
    broker: services.Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Tallies, voters, repeated and changed votes and every cell are what is known of the sets."""
    environment = {"SCRUTIN_KAFKA": broker.address, "SCRUTIN_TOPIC_PREFIX": topic_prefix}
    topics = Topics(topic_prefix, PARTITIONS)
    scrutin(environment, "provision")
    with workers(("ledger", "ideas"), environment, tmp_path) as running:
        for name in polis.SETS:
            scrutin(environment, "import", "polis", str(polis.DIRECTORY / name))
        ends = await end_offsets(broker.address, topics.votes, PARTITIONS)
        catalogue_end = await end_offsets(broker.address, topics.catalogue, 1)
        for name in polis.SETS:
            scrutin(environment, "import", "polis", str(polis.DIRECTORY / name))

        assert await end_offsets(broker.address, topics.votes, PARTITIONS) == ends
        assert await end_offsets(broker.address, topics.catalogue, 1) == catalogue_end
        await published(broker.address, topics, running["ideas"])
        for name, figures in polis.SETS.items():
            check_results(environment, name, figures)
        await check_cells(broker.address, topics)
        await check_exports(broker.address, topics, environment, running["ideas"], tmp_path)


def check_results(environment: dict[str, str], name: str, figures: polis.Figures) -> None:
    """Compare the results document of a set with the table of the README."""
    document = json.loads(scrutin(environment, "results", name, "--json").stdout)
    totals = document["totals"]
    claimed = polis.published_counts(name)
    differ = sum(
        claimed[proposal["id"]] != (proposal["counted"]["agree"], proposal["counted"]["disagree"])
        for proposal in document["proposals"])

    assert polis.Figures(
        events=totals["received"], voters=totals["participants"],
        proposals=totals["proposals"], current=totals["counted"]["votes"],
        repeat=totals["unchanged"], change=totals["superseded"],
        agree=totals["counted"]["agree"], disagree=totals["counted"]["disagree"],
        neutral=totals["counted"]["neutral"], comments_that_differ=differ,
    ) == figures
    assert totals["unknown_proposals"] == 0


async def check_exports(
    kafka: str, topics: Topics, environment: dict[str, str], ideas: Worker, folder: Path
) -> None:
    """Export a set and import it again: the same figures; nothing before the voting has closed."""
    name, form = "brexit-consensus", ("--format", "polis-export/1", "--votes")
    (folder / "hidden.json").write_text(json.dumps({
        "id": "hidden", "question": {"en": "What?"}, "opens_at": "2026-01-01T00:00:00Z",
        "languages": ["en"], "shares_embargoed": True}))
    scrutin(environment, "consultation", "apply", str(folder / "hidden.json"))
    await published(kafka, topics, ideas)
    for early in (("hidden",), (name, *form)):
        refused = scrutin(
            environment, "export", *early, "--output", str(folder / "early"), expected=1)
        assert "Nothing was written" in refused.stderr
    assert not (folder / "early").exists()

    scrutin(environment, "close", name)
    await published(kafka, topics, ideas)
    scrutin(environment, "export", name, *form, "--output", str(folder / "again"))
    scrutin(environment, "export", name, "--votes", "--output", str(folder / "open.zip"))
    scrutin(environment, "import", "polis", str(folder / "again"))
    await published(kafka, topics, ideas)
    counted = figures_of(environment, name)
    assert figures_of(environment, "again") == counted

    scrutin(environment, "seal", name, "--keyless", "--yes")
    await published(kafka, topics, ideas)
    assert figures_of(environment, name) == counted
    with zipfile.ZipFile(folder / "open.zip") as packed:
        assert packed.read("votes.csv").count(b"\r\n") == 1 + polis.SETS[name].current


def figures_of(environment: dict[str, str], name: str) -> Any:
    """Return all figures of a set, but for ranks, which follow a second later, and the log's.
    """
    document = json.loads(scrutin(environment, "results", name, "--json").stdout)
    del document["totals"]["decided"]
    return document["totals"], [{**entry, "rank": None} for entry in document["proposals"]]


async def published(kafka: str, topics: Topics, ideas: Worker) -> None:
    """Wait until the results hold everything that lies in the logs."""
    vector = [end - 1 for end in await end_offsets(kafka, topics.votes, PARTITIONS)]
    catalogue = (await end_offsets(kafka, topics.catalogue, 1))[0] - 1
    await eventually(
        lambda: ideas.status().get("published") == vector
        and ideas.status().get("catalogue") == catalogue,
        "results hold every vote and the whole catalogue")


async def check_cells(kafka: str, topics: Topics) -> None:
    """Fold the recorded decisions to cells: 0 differ from participants-votes.csv."""
    held: dict[tuple[str | None, bytes | None, str], str | None] = {}
    kinds: Counter[int] = Counter()
    for values in await read(kafka, topics.decisions, PARTITIONS):
        for value in values:
            decision = decode(value)
            kinds[decision.kind] += 1
            for change in decision.changes:
                after = standing_fields(change.after)
                held[decision.consultation, decision.voter, change.proposal] = (
                    after["choice"] if after else None)
    for name in polis.SETS:
        expected = {
            (name, voter_of(name, participant), comment): choice
            for (participant, comment), choice in polis.participants_votes(name).items()}
        found = {cell: choice for cell, choice in held.items() if cell[0] == name}
        assert found == expected
