"""A campaign of full size for the pages: counts drawn from a seed, results by our own fold."""

import functools
import json
import random
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from processors.results import results_document, routes
from processors.results.catalogue import Catalogue
from processors.results.descriptions import PublishedDescriptions
from schemas import codec, words
from schemas.topics import COMPACTED, FLUSH_KEY, KEPT_FOREVER, Topics
from views.documents import Documents
from views.flushes import Flushes


PARIS = ZoneInfo("Europe/Paris")
CONSULTATION = "solutions-jeunes"
PUBLISHED_AT = 1_653_256_800_000
PROPOSALS = 2_864
VERBS = ["créer", "financer", "développer", "simplifier", "ouvrir", "renforcer", "généraliser"]
THINGS = [
    "des stages rémunérés dès la troisième", "un accompagnement psychologique gratuit",
    "des logements étudiants à loyer modéré", "des ateliers de découverte des métiers",
    "un guichet unique pour les droits des jeunes", "le mentorat entre générations",
    "des transports gratuits pour les moins de 26 ans", "l'apprentissage dans la fonction publique",
    "des cours de gestion du budget au lycée", "une aide au premier permis de conduire",
]
PLACES = ["dans chaque commune", "à l'école", "dans toutes les régions", "en zone rurale",
          "dans les quartiers", "à l'université", "en entreprise"]
NAMES = ["Camille", "Inès", "Léo", "Fatou", "Nathan", "Chloé", "Yanis", "Marie", "Hugo", "Salomé"]
AGES = ["15-17", "18-24", "25-34", "35-49", "50-64", "65+"]


@functools.cache
def published() -> dict[str, Any]:
    """The published figures, as the project ships them."""
    path = Path(__file__).parents[2] / "producers" / "campaign" / "solutions-jeunes.json"
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return data


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1_000)


def counts(chance: random.Random, votes: int, shares: dict[str, float]) -> dict[str, int]:
    """Draw the counts of a proposal of so many counted votes."""
    drawn = dict.fromkeys(words.COUNTS, 0)
    agree = round(votes * shares["agree"])
    disagree = min(votes - agree, round(votes * shares["disagree"]))
    drawn |= {"agree": agree, "disagree": disagree, "neutral": votes - agree - disagree}
    for name in words.QUALIFICATIONS:
        drawn[name] = round(votes * shares.get(name, 0.0))
    drawn["set_aside_unproven"] = round(votes * 0.034)
    for name, most in (("set_aside_suspended", 0.001), ("superseded", 0.02), ("withdrawn", 0.01),
                       ("unchanged", 0.01), ("repeated", 0.02), ("proven", 0.005), ("late", 0.01),
                       ("refused_unproven_change", 0.001)):
        drawn[name] = int(votes * chance.uniform(0, 2 * most))
    parts = ("agree", "disagree", "neutral", "superseded", "withdrawn", "unchanged", "repeated",
             "proven", "late")
    drawn["received"] = sum(drawn[part] for part in parts) + sum(
        count for name, count in drawn.items() if name.startswith(("set_aside", "refused"))
    )
    return drawn


def events(size: int = PROPOSALS) -> list[tuple[str, dict[str, Any]]]:
    """The catalogue of the campaign, as events in order."""
    data = published()
    stamp = {"event_id": bytes(16), "consultation": CONSULTATION, "origin": "import",
             "occurred_at": instant(data["opens"])}
    described = {
        "question": data["question"], "opens_at": instant(data["opens"]),
        "closes_at": instant("2022-05-23T00:00:00+02:00"), "time_zone": "Europe/Paris",
        "languages": ["fr", "en"], "votes_target": data["published"]["votes_target"],
        "hashtag": data["hashtag"], "contact": data["contact"],
        "stages": [{"name": stage["name"], "begins": stage["from"], "ends": stage.get("to")}
                   for stage in data["stages"]],
        "organisers": data["organisers"],
        "facts": [{"value": fact["value"], "texts": {"fr": fact["fr"]}, "source": fact["source"]}
                  for fact in data["facts"]],
        "shares_embargoed": False,
    }
    made = [("ConsultationDescribed", stamp | described)]
    for theme in data["themes"]:
        title = {"fr": theme["fr"], "en": theme["en"]}
        made.append(("ThemeDescribed", stamp | {"theme": theme["id"], "title": title}))
        for idea in theme["ideas"]:
            title = {"fr": idea["fr"], "en": idea["en"]}
            made.append(("IdeaDescribed",
                         stamp | {"idea": idea["id"], "theme": theme["id"], "title": title}))
    for proposal in proposals(size):
        made.append(("ProposalAccepted", stamp | {
            "proposal": proposal["id"], "text": proposal["text"], "author": proposal["author"]}))
        if proposal["idea"]:
            made.append(("ProposalGrouped", stamp | {
                "proposal": proposal["id"], "idea": proposal["idea"]}))
    return made


@functools.cache
def proposals(size: int = PROPOSALS) -> tuple[dict[str, Any], ...]:
    """So many proposals with their text, author, idea and counts; seeded."""
    chance = random.Random(4)
    ideas = [idea for theme in published()["themes"] for idea in theme["ideas"]]
    made = []
    for entry in published()["controversial"]:
        shares = {"agree": entry["agree"] / 100, "disagree": entry["disagree"] / 100,
                  "like_it": 0.09, "doable": 0.05, "no_way": 0.12, "impossible": 0.04,
                  "no_opinion": 0.03}
        made.append({
            "id": entry["id"], "idea": None, "text": {"fr": entry["fr"], "en": entry["en"]},
            "author": {**entry["author"], "age_band": None},
            "counts": counts(chance, chance.randrange(1_500, 4_000), shares)})
    for number in range(size - len(made)):
        idea = ideas[number % len(ideas)] if chance.random() < 0.8 else None
        made.append(_proposal(chance, number, idea))
    return tuple(made)


def _proposal(chance: random.Random, number: int, idea: dict[str, Any] | None) -> dict[str, Any]:
    figures = idea or {"agree": 70, "like_it": 15, "doable": 20}
    agree = figures["agree"] / 100
    shares = {"agree": agree, "disagree": (1 - agree) * 0.55, "like_it": figures["like_it"] / 100,
              "doable": figures["doable"] / 100, "platitude_agree": 0.06, "no_way": 0.01,
              "impossible": 0.01, "no_opinion": 0.01}
    text = (f"Il faut {chance.choice(VERBS)} {chance.choice(THINGS)} {chance.choice(PLACES)} "
            f"({number + 1})")
    return {
        "id": f"p-{number + 1:04}", "idea": idea and idea["id"], "text": {"fr": text},
        "author": {"name": chance.choice(NAMES), "kind": "citizen",
                   "age_band": chance.choice([*AGES, None])},
        "counts": counts(chance, int(min(3_000, 1 + chance.paretovariate(0.9) * 32)), shares),
    }


def cells() -> dict[str, list[dict[str, Any]]]:
    """Descriptions that were donated: one word under ten, and its table is withheld."""
    gender = {"woman": 55_120, "man": 47_012, "other": 1_124}
    age = {"15-17": 9_001, "18-24": 22_310, "25-34": 28_411, "35-49": 24_002, "50-64": 14_120,
           "65+": 5_412}
    region = dict.fromkeys(words.ANSWERS["region"])
    return {name: [{"value": value, "count": count} for value, count in table.items()]
            for name, table in (("gender", gender), ("age_band", age), ("region", region))}


@functools.cache
def catalogue_values(size: int = PROPOSALS) -> tuple[bytes, ...]:
    """The records of the catalogue topic, by offset."""
    return tuple(codec.encode(event, **fields) for event, fields in events(size))


def figures(
    size: int = PROPOSALS, *, closed: bool = True, by_route: bool = False
) -> results_document.Figures:
    """The counts of the campaign; under rules 2 four votes of five were drawn where `by_route`."""
    return results_document.Figures(
        proposals={proposal["id"]: [proposal["counts"][name] for name in words.COUNTS]
                   for proposal in proposals(size)},
        participants=297_876, participants_received=301_904, suspended=3, closed=closed,
        descriptions=PublishedDescriptions(
            104_403, cells(), in_stretches=True, unpublished=12 if closed else None),
        rules=2 if by_route else 1,
        routes={proposal["id"]: routed(proposal["counts"]) for proposal in proposals(size)
                if by_route},
    )


def routed(counts: dict[str, int]) -> list[int]:
    """Four counted votes of five drawn, one in ten asked for; what is suspended is by rule 7.

    Of one proposal in seven those who came for it agree more.
    """
    found = dict.fromkeys(routes.ROUTE_COUNTS, 0)
    found |= {f"drawn_{name}": 4 * counts[name] // 5 for name in routes.PUBLISHED_WORDS}
    if counts["agree"] % 7 == 0:
        found["drawn_agree"] = counts["agree"] // 2
    found["counted_asked"] = sum(counts[name] // 10 for name in words.CHOICES)
    found["set_aside_cause_7"] = counts["set_aside_suspended"]
    return [found[name] for name in routes.ROUTE_COUNTS]


def result_records(
    found: results_document.Published, *, published_at: int = PUBLISHED_AT
) -> list[tuple[bytes, bytes]]:
    """The records the ideas worker writes for a result, its marker last."""
    name = found.consultation
    made = [
        (f"{name}\0proposal\0{proposal}".encode(), codec.encode(
            "ProposalScored", consultation=name, proposal=proposal, idea=None, known=True,
            entry=_entry(block)))
        for proposal, block in found.proposals.items()
    ]
    made += [
        (f"{name}\0idea\0{idea}".encode(), codec.encode(
            "IdeaScored", consultation=name, idea=idea, proposals=1, entry=_entry(block)))
        for idea, block in found.ideas.items()
    ]
    totals = {**found.totals, "counts": results_document.flat(found.totals["counts"])}
    if "unpublished" in totals:
        made.append((f"{name}\0descriptions".encode(), codec.encode(
            "DescriptionsPublished", consultation=name, unpublished=totals.pop("unpublished"))))
    made.append((f"{name}\0totals".encode(), codec.encode("ConsultationScored", **totals)))
    made.append((f"{name}\0ranking".encode(), codec.encode(
        "ProposalsRanked", consultation=name, offsets=list(found.as_of.votes),
        ideas=_ranks(found.idea_ranks), proposals=_ranks(found.proposal_ranks),
        controversial=found.controversial)))
    made += _route_records(found)
    return [*made, (FLUSH_KEY, marker(found.as_of, published_at=published_at))]


def _route_records(found: results_document.Published) -> list[tuple[bytes, bytes]]:
    """The records besides, where rules 2 are in force."""
    by_route, name = found.by_route, found.consultation
    if by_route is None:
        return []
    blocks = [("totals_routes", found.totals["counts"], by_route.total),
              *((f"{kind}_routes\0{entry}", counted[entry], block)
                for kind, counted, held in (
                    ("proposal", found.proposals, by_route.proposals),
                    ("idea", found.ideas, by_route.ideas))
                for entry, block in held.blocks.items())]
    return [*((f"{name}\0{key}".encode(), codec.encode(
        "RoutesCounted", consultation=name, entry=key.partition("\0")[2],
        rules_version=by_route.rules, **routes.flat(routes.joined(counted, block))))
        for key, counted, block in blocks),
        (f"{name}\0drawn_ranking".encode(), codec.encode(
            "DrawnRanked", consultation=name, offsets=list(found.as_of.votes),
            ideas=_ranks(dict(by_route.ideas.ranks)),
            proposals=_ranks(dict(by_route.proposals.ranks))))]


def proposal_record(
    consultation: str, proposal: str, votes: int, choice: str = "agree"
) -> tuple[bytes, bytes]:
    """The record of a proposal on which so many voters chose the same."""
    counts = dict.fromkeys(words.COUNTS, 0) | {"received": votes, choice: votes}
    block = results_document.entry(counts)
    return f"{consultation}\0proposal\0{proposal}".encode(), codec.encode(
        "ProposalScored", consultation=consultation, proposal=proposal, idea=None, known=False,
        entry=_entry(block))


def marker(as_of: results_document.AsOf, *, published_at: int = PUBLISHED_AT) -> bytes:
    return codec.encode(
        "ResultsPublished", offsets=list(as_of.votes), catalogue_offset=as_of.catalogue,
        participants_offset=as_of.participants, undecodable=12, decided={"counted": 1},
        scores_version="make-org/2022", published_at=published_at)


def _entry(block: dict[str, Any]) -> dict[str, Any]:
    return {"counts": results_document.flat(block), "shares": block["shares"],
            "intervals": block["intervals"], "scores": block["scores"], "zone": block["zone"]}


def _ranks(ranks: Mapping[str, dict[str, int]]) -> list[dict[str, Any]]:
    return [{"id": name, **rank} for name, rank in ranks.items()]


@functools.cache
def logs(
    size: int = PROPOSALS, *, closed: bool = True, by_route: bool = False
) -> tuple[tuple[bytes, ...], tuple[tuple[bytes, bytes], ...]]:
    """The records of the catalogue and of the results topic, in order."""
    catalogue, values = Catalogue(), list(catalogue_values(size))
    if closed:
        values.append(codec.encode("ClosingCompleted", event_id=bytes(16), closing=bytes(16),
                                   consultation=CONSULTATION, offsets=[1, 1, 1, 1],
                                   origin="operator", occurred_at=0))
    for offset, value in enumerate(values):
        catalogue.apply(*codec.decode(value), offset)
    as_of = results_document.AsOf((166_201, 165_870, 166_044, 165_930), catalogue.offset, 104_402)
    found = results_document.compute(
        CONSULTATION, figures(size, closed=closed, by_route=by_route), catalogue, as_of,
        decided={"counted": 1}, undecodable=12)
    return tuple(values), tuple(result_records(found))


def flushes(
    size: int = PROPOSALS, *, closed: bool = True, by_route: bool = False
) -> Flushes:
    """The published state of the campaign."""
    values, records = logs(size, closed=closed, by_route=by_route)
    state = Flushes()
    for key, value in records:
        state.receive_result(key, value)
    for offset, value in enumerate(values):
        state.receive_catalogue(offset, value)
    return state


def agreeing(state: Flushes, consultation: str) -> dict[str, int]:
    """Votes that agree, by proposal, as a state shows them."""
    return {
        name.id: codec.decode(value)[1]["entry"]["counts"]["agree"]
        for name, value in state.figures(consultation).items() if name.kind == "proposal"
    }


@functools.cache
def document(
    size: int = PROPOSALS, *, closed: bool = True, by_route: bool = False
) -> dict[str, Any]:
    """The results document of the campaign; not to be changed by the caller."""
    made = Documents(flushes(size, closed=closed, by_route=by_route)).document(CONSULTATION)
    assert made is not None
    return made


async def publish(address: str, prefix: str, size: int = PROPOSALS) -> None:
    """Write catalogue and results of the closed campaign to topics of a prefix, made here."""
    topics = Topics(prefix, 4)
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([
        NewTopic(topics.catalogue, 1, 1, topic_configs=dict(KEPT_FOREVER)),
        NewTopic(topics.results, 1, 1, topic_configs=dict(COMPACTED)),
    ])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=address, enable_idempotence=True)
    await producer.start()
    values, records = logs(size)
    for value in values:
        await producer.send(topics.catalogue, value, partition=0)
    for key, value in records:
        await producer.send(topics.results, value, key=key, partition=0)
    await producer.flush()
    await producer.stop()
