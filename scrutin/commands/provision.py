"""`scrutin provision`: make topics and adopt the rules."""

import asyncio
import sys

from processors.workers.provisioning import provision as provision_topics
from scrutin import addresses
from scrutin.settings import load


def provision() -> None:
    """Create the topics of this generation, check their settings and adopt the rules.

    Safe to run again: what is there is checked and left alone.
    """
    settings = load()
    topics = addresses.topics(settings)
    adopted = asyncio.run(provision_topics(
        addresses.kafka_address(settings), topics, replication=settings.replication))
    for topic in topics.specifications():
        print(f"{topic.name}\t{topic.partitions}")
    done = f"rules adopted in partitions {adopted}" if adopted else "rules were adopted already"
    print(f"Topics are as they must be; {done}.", file=sys.stderr)
