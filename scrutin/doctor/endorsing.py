"""What the catalogue asks of this machine: who endorses what it says, and hashes of codes."""

import asyncio
from collections.abc import Sequence

from aiokafka.errors import KafkaError

from producers.errors import ProducingError
from producers.gateway.keys import KeyFolder
from producers.known_catalogue import read_catalogue
from producers.log_reader import LogReader
from producers.signing import OwnKey, own_keys
from schemas.control_roles import CLOSINGS
from schemas.endorsements import Endorsements
from schemas.private_files import KeyRefused
from schemas.topics import Topics
from scrutin import addresses
from scrutin.doctor import issued
from scrutin.doctor.answers import Answer, bad, good, unknown
from scrutin.settings import Settings


LOOK_SECONDS = 20.0
"""Longest wait for the whole catalogue."""
ABOUT = "keys.endorsing"
DESCRIPTION = "ProposalAccepted"
"""Endorsed by whoever may endorse everything."""
CLOSING = min(CLOSINGS)


async def examined(
    settings: Settings, address: str, topics: Topics, process: str | None
) -> list[Answer]:
    """Read the catalogue, and compare with what lies here."""
    try:
        own = own_keys(addresses.control_keys_folder(settings))
        async with asyncio.timeout(LOOK_SECONDS), LogReader(address) as reader:
            known = await read_catalogue(reader, topics)
    except KeyRefused as error:
        return [bad(ABOUT, str(error), "Do what the sentence says.")]
    except (ProducingError, KafkaError, OSError, TimeoutError) as error:
        return [unknown(ABOUT, f"the catalogue cannot be read: {error or type(error).__name__}",
                        "Run this with an account that may read it.")]
    closes = settings.closes_on_date and process == "notary"
    found = [judged(known.endorsements, own, closes=closes)]
    if process in (None, "gateway"):  # Nobody else looks codes up.
        found.append(issued.examined(known, KeyFolder(addresses.keys_folder(settings))))
    return found


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
