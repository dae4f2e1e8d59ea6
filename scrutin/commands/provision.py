"""`scrutin provision`: make topics, and let the log begin."""

import asyncio
from typing import Annotated

import typer

from processors.workers.provisioning import provision as provision_topics
from producers.errors import InvalidInput, ProducingError
from schemas.control_roles import parse_keys
from schemas.genesis import Genesis
from scrutin import addresses
from scrutin.commands import producing
from scrutin.commands.key_places import usable
from scrutin.keys import control_keys
from scrutin.settings import load


def provision(
    *,
    key: Annotated[list[str] | None, typer.Option(
        metavar="ROLE:PUBLIC", help="A key that signs controls of a new log, as `scrutin keys "
        "make` prints it; may be repeated. Without it, those that lie in the folder of control "
        "keys.", show_default=False)] = None,
    make_keys: Annotated[bool, typer.Option(
        "--make-keys", help="Make a key of each role first, where there is none.")] = False,
) -> None:
    """Create the topics of this generation, check their settings, and let a new log begin.

    A new log begins under the newest rules, with the keys that sign its controls. Safe to run
    again: what is there is checked and left alone. Exit status 2 where keys are not said rightly,
    3 where one cannot be used.
    """
    settings = load()
    topics = addresses.topics(settings)
    folder = addresses.control_keys_folder(settings)
    try:
        with usable():
            if make_keys:
                control_keys.make_missing(folder)
            keys = parse_keys(key or [each.text() for each in control_keys.public_keys(folder)])
    except ProducingError as error:
        producing.fail(error)
    except ValueError as error:
        producing.fail(InvalidInput(f"{error}."))
    done = asyncio.run(provision_topics(
        addresses.kafka_address(settings), topics, replication=settings.replication,
        genesis=Genesis(keys=keys)))
    for topic in topics.specifications():
        print(f"{topic.name}\t{topic.partitions}")
    for said in done.changed:
        producing.say(said)
    genesis = done.genesis
    producing.say("Topics are as they must be; " + (
        f"partitions {done.partitions} begin under rules {genesis.rules}." if done.partitions
        else "the log had begun already."))
    if key and genesis.keys != keys:
        producing.say("It has begun with other control keys, or without: those given are not in "
                      "force. `scrutin keys adopt` changes them.")
    if not genesis.keys:
        producing.say("Its controls were not signed when it began: whoever can write to the votes "
                      "topic can suspend voters and close consultations until it has keys. See "
                      "`scrutin keys in-force`, `scrutin keys make` and `scrutin keys adopt`.")
