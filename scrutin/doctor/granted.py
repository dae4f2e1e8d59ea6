"""May our account do what its process does, and no more?"""

from collections.abc import AsyncIterator

from aiokafka.admin import AIOKafkaAdminClient

from schemas.accounts import ACCOUNTS, LOGS, grants
from schemas.topics import Topics
from scrutin.doctor import cluster
from scrutin.doctor.answers import Answer, bad, good, unknown
from scrutin.doctor.cluster import REFUSED, Cluster
from scrutin.settings import Settings


ACLS = "Grant what `scrutin acls` prints for it, and take the rest away."


def whose(settings: Settings, process: str | None) -> str | None:
    """Return the process that the account is for: as named, else by the end of the user's name."""
    return process or next((name for name in ACCOUNTS if settings.kafka_username.endswith(name)),
                           None)


async def judged(
    admin: AIOKafkaAdminClient, found: Cluster, topics: Topics, settings: Settings,
    process: str | None,
) -> AsyncIterator[Answer]:
    """Compare what the cluster lets our account do with the table of accounts."""
    about = "grants"
    if settings.kafka_access.protocol == "PLAINTEXT":
        yield good(about, "Kafka asks nobody here for a name")
        return
    named = whose(settings, process)
    if named is None:
        yield unknown(about, "whose account this is cannot be told from its name",
                      "Say it: scrutin doctor --process NAME.")
        return
    yield compared(named, found, topics)
    for group in ACCOUNTS[named].groups:
        name = f"{topics.prefix}-{group}"
        yield (good(f"grants.{name}", f"the account of {named} may join the group")
               if await cluster.may_join(admin, name) else
               bad(f"grants.{name}", f"the account of {named} may not join the group", ACLS))


def compared(process: str, found: Cluster, topics: Topics) -> Answer:
    """Name what the account of a process may not do and must, and what it may write besides."""
    about = f"grants.{process}"
    allowed = {name: seen.allowed for name, seen in found.topics.items()}
    hidden = {name for name, seen in found.topics.items() if seen.error not in ("", REFUSED)}
    wanted = [each for each in grants(process, topics)
              if each.resource == "topic" and each.name not in hidden]
    missing = [f"{each.operation} {each.name}" for each in wanted
               if each.operation not in allowed[each.name]]
    writes = {getattr(topics, log) for log in ACCOUNTS[process].writes}
    beyond = [f"Write {name}" for name in (getattr(topics, log) for log in LOGS)
              if "Write" in allowed[name] and name not in writes]
    if missing or beyond:
        said = [f"it may not {', '.join(missing)}"] if missing else []
        said += [f"it need not {', '.join(beyond)}"] if beyond else []
        return bad(about, f"the account of {process}: " + "; ".join(said), ACLS)
    if hidden:
        return unknown(about, f"of {', '.join(sorted(hidden))} nothing can be told",
                       "scrutin provision makes topics that are missing.")
    return good(about, f"the account of {process} may do what it must, and write nothing else")
