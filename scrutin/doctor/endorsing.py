"""Who endorses what operators say in the catalogue, and whether that can be done from here."""

import asyncio
from collections.abc import Sequence

from aiokafka.errors import KafkaError

from producers.endorsing import read_endorsements
from producers.errors import ProducingError
from producers.signing import OwnKey, own_keys
from schemas.control_roles import CLOSINGS
from schemas.endorsements import Endorsements
from schemas.private_files import KeyRefused
from schemas.topics import Topics
from scrutin import addresses
from scrutin.doctor.answers import Answer, bad, good, unknown
from scrutin.settings import Settings


LOOK_SECONDS = 20.0
"""Longest wait for the whole catalogue."""
ABOUT = "keys.endorsing"
DESCRIPTION = "ProposalAccepted"
"""Endorsed by whoever may endorse everything."""
CLOSING = min(CLOSINGS)


async def examined(settings: Settings, address: str, topics: Topics, process: str | None) -> Answer:
    """Read the catalogue, and compare who endorses with the keys that lie here."""
    try:
        own = own_keys(addresses.control_keys_folder(settings))
        async with asyncio.timeout(LOOK_SECONDS):
            found = await read_endorsements(address, topics)
    except KeyRefused as error:
        return bad(ABOUT, str(error), "Do what the sentence says.")
    except (ProducingError, KafkaError, OSError, TimeoutError) as error:
        return unknown(ABOUT, f"the catalogue cannot be read: {error or type(error).__name__}",
                       "Run this with an account that may read it.")
    return judged(found, own, closes=settings.closes_on_date and process == "notary")


def judged(found: Endorsements, own: Sequence[OwnKey], *, closes: bool) -> Answer:
    """Say who may endorse, and which of the keys at hand do; `closes`: a notary is to, here."""
    if not found.wanted:
        return good(ABOUT, "the log asks for no endorsements: `scrutin keys endorse` begins it")
    everything, closings = found.keys(DESCRIPTION), found.keys(CLOSING)
    here = [key.id.hex() for key in own if key.id in everything]
    closing = [key.id.hex() for key in own if key.id in closings and key.id not in everything]
    retired = [key.id.hex() for key in own if key.id in found.retired]
    said = (f"{len(everything)} keys endorse descriptions (naming {found.generation}), "
            f"{len(closings) - len(everything)} more closings; of those here: "
            f"{_listed(here)}, closings only {_listed(closing)}")
    if retired:
        said += f", no more {_listed(retired)}"
    if retired and not (here or closing):
        return bad(ABOUT, said, "What is signed with these counts for nobody: have an operator "
                   "name them again by `scrutin keys endorse`, or take them away.")
    if closes and not (here or closing):
        return bad(ABOUT, said, "Put a clerk's key into SCRUTIN_CONTROL_KEYS, or nobody closes at "
                   "the date; docs/operate.md, Closing at the date.")
    return good(ABOUT, said)


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids) or "none"
