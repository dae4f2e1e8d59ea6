"""`scrutin notary`: keep and sign the transparency logs until told to stop."""

import asyncio

from deploy.machine.errors import FolderHeldError
from schemas.exit_codes import EXIT_USAGE
from schemas.topics import Topics
from scrutin import addresses
from scrutin.notary.clerk import Clerk
from scrutin.notary.turn import NotaryTurn
from scrutin.process.ending import ending, fail
from scrutin.process.foreign_files import NotOfItsKind, read_witnesses
from scrutin.process.standby import Standby
from scrutin.process.worker import Begun, begin, stopped_by_signals
from scrutin.settings import Settings
from sinks.transparency.notary import NotaryPolicy
from sinks.transparency.policy_file import own_publics
from sinks.transparency.quorum import Quorum


def notary() -> None:
    """Keep a transparency log of each votes partition and of the catalogue. Ends on SIGTERM.

    Writes tiles and signed checkpoints into SCRUTIN_DATA_DIR/transparency, which the views serve
    under /log/; the keys into SCRUTIN_DATA_DIR/keys/transparency, made at the first start. Its log
    says every public key, /log/PREFIX/policy lists them, the catalogue names them. Signs results
    too: every ten minutes those that moved, and final ones at once. Closes each consultation at
    its date, unless SCRUTIN_CLOSES_ON_DATE says otherwise. Has the witnesses of SCRUTIN_WITNESSES
    countersign checkpoints, and waits for none of them.
    Exit codes: 0 told to stop, 2 SCRUTIN_WITNESSES names no policy with witnesses, or this
    log's own key as one, 3 broker, topics or folder not as they must be, 70 stopped itself (the
    reason is the last line of its log).
    """
    begun = begin()
    settings, topics = begun.settings, begun.topics
    policy = NotaryPolicy(
        kafka=begun.kafka, topics=topics, folder=addresses.transparency_folder(settings),
        keys=addresses.log_keys_folder(settings), origin=settings.log_origin,
        checkpoint_seconds=settings.checkpoint_seconds, quorum=_quorum(settings, topics))
    begun.require({topics.votes, topics.catalogue, topics.results})
    with ending("notary", FolderHeldError):
        asyncio.run(_run(policy, begun))


async def _run(policy: NotaryPolicy, begun: Begun) -> None:
    running = Standby(begun, "notary", lambda: NotaryTurn(policy, _clerk(begun)))
    async with stopped_by_signals(running, begun.settings, "notary"):
        await running.run()


def _clerk(begun: Begun) -> Clerk | None:
    settings = begun.settings
    return Clerk(begun.kafka, begun.topics, addresses.control_keys_folder(settings)
                 ) if settings.closes_on_date else None


def _quorum(settings: Settings, topics: Topics) -> Quorum | None:
    """Read who countersigns; None where nobody is asked."""
    if settings.witnesses is None:
        return None
    try:
        quorum = read_witnesses(settings.witnesses)
        own = own_publics(addresses.transparency_folder(settings) / topics.prefix,
                          addresses.log_keys_folder(settings))
    except (NotOfItsKind, OSError, UnicodeDecodeError) as error:
        fail(f"SCRUTIN_WITNESSES cannot be used: {error}", EXIT_USAGE)
    if ours := [each.label for each in quorum.witnesses if each.public in own]:
        fail(f"SCRUTIN_WITNESSES cannot be used: {settings.witnesses}: the key of "
             f"{', '.join(ours)} is one of this log's own; who countersigns with it sees nothing "
             "that the log has not signed. Take it out, or ask for a key of theirs", EXIT_USAGE)
    return quorum
