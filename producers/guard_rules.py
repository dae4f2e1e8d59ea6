"""Changes the mode and numbers of a rule of the guard; safe to repeat.

Theory of operation: a change names the one that it follows, so that a record which comes again
changes nothing. The catalogue is read first; where it says already what is wanted, nothing is
written. Whether there is such a rule, and whether it can have such numbers, is checked by whoever
calls: the guard's room knows.
"""

import hashlib
import secrets
from collections.abc import Mapping

from producers import signing
from producers.known_catalogue import KnownCatalogue, read_catalogue
from producers.log_reader import LogReader
from producers.operations import Log, require_reason, write_catalogue
from schemas.codec import ID_BYTES
from schemas.corrections import RULE_CHANGED
from schemas.registry import seed


async def read_rules(log: Log) -> KnownCatalogue:
    """Read the catalogue, with the last change of each rule; raise Missing, Unreachable."""
    async with LogReader(log.address) as reader:
        return await read_catalogue(reader, log.topics)


async def change_rule(  # noqa: PLR0913 -- a change in all its parts
    log: Log, rule: int, version: int, mode: str, parameters: Mapping[str, int], reason: str, *,
    consultation: str | None, now: int,
) -> bool:
    """Write a change of a rule, signed where the log asks for it; say whether it was needed.

    Raises InvalidInput where no key at hand may sign or the reason cannot stay in the log, Missing
    for an unknown consultation.
    """
    known = await read_rules(log)
    if consultation is not None:
        known.require_consultation(consultation)
    wanted = {"version": version, "mode": mode, "parameters": [
        {"name": name, "value": value} for name, value in sorted(parameters.items())]}
    last = known.rule_changes.get((consultation, rule), {})
    if last and all(last[name] == value for name, value in wanted.items()):
        return False
    signer = signing.operators_key(known, log.own_keys)
    follows = known.rule_changed(consultation, rule)
    said = repr((consultation, rule, wanted)).encode()
    value = require_reason(lambda form: signing.correction(
        signer, RULE_CHANGED, consultation=consultation, rule=rule, **wanted, follows=follows,
        event_id=hashlib.sha256(seed(RULE_CHANGED) + follows + said).digest()[:ID_BYTES],
        reason=form, salt=secrets.token_bytes(ID_BYTES), origin="operator",
        occurred_at=now), reason)
    await write_catalogue(log, [value], now)
    return True
