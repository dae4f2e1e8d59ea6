"""`scrutin demo`: a whole campaign, end to end, with every published figure checked."""

import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.machine.errors import MachineError
from producers.campaign import published as campaign_figures
from producers.errors import ProducingError
from schemas.exit_codes import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_TERMINATED
from scrutin import settings as scrutin_settings
from scrutin.demo.play import (
    CONSULTATION,
    OPEN_CONSULTATION,
    PUBLISHED,
    Demo,
    DemoFailed,
)
from scrutin.demo.screen import Screen
from scrutin.demo.trickle import trickle


def demo(
    *,
    exit_after: Annotated[
        bool, typer.Option("--exit", help="End by itself after the checks.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the campaign: ids, salts, everything.")] = 2022,
    published: Annotated[
        Path, typer.Option(help="Published figures to compare with.", exists=True, dir_okay=False)
    ] = PUBLISHED,
) -> None:
    """Run the #SolutionsJeunes campaign through Kafka, Faust and ClickHouse, and check it.

    Starts a fresh local stack in SCRUTIN_DATA_DIR/demo, writes the campaign, shows live counters,
    prints the results beside the published figures, and recounts everything. Then it opens a
    consultation, which a script attacks; there simulated voters trickle in and you can vote, until
    Ctrl-C. Exit status 0 only if every check held.
    """
    settings = scrutin_settings.load()
    settings = settings.model_copy(update={
        "data_dir": (settings.data_dir / "demo").expanduser().resolve()})
    screen = Screen()
    try:
        campaign_figures.load(published)
    except ProducingError as error:
        screen.say(f"scrutin demo: {error}")
        raise typer.Exit(error.exit_code) from error
    run = Demo(settings, screen, seed, json.loads(published.read_text("utf-8")))
    # A shell that starts us in the background has SIGINT ignored: Ctrl-C must end us all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_TERMINATED))
    try:
        held = _play(run, stay=not exit_after)
    except (DemoFailed, MachineError, OSError) as error:
        screen.say(f"scrutin demo: {error}")
        held = False
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    finally:
        screen.say("stopping the stack")
        run.stop()
    raise typer.Exit(0 if held else EXIT_FAILED)


def _play(run: Demo, *, stay: bool) -> bool:
    urls = run.start()
    page = f"{urls['gateway']}/c/{CONSULTATION}"
    run.screen.say(f"results page: {page}")
    document = asyncio.run(run.campaign(urls))
    recount = asyncio.run(run.recount())
    checks = run.checks(document, recount, asyncio.run(run.attack(urls)))
    run.screen.results(document, checks)
    run.screen.times(run.phases)
    different = [check for check in checks if not check.equal]
    if different:
        print(f"FAILED: {len(different)} of {len(checks)} checks differ.")
    else:
        print(f"OK: all {len(checks)} checks hold.")
    if stay:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_stay(run, urls, page))
    return not different


async def _stay(run: Demo, urls: dict[str, str], page: str) -> None:
    """Keep counters moving until interrupted."""
    gateway = urls["gateway"]
    here = f"{gateway}/c/{OPEN_CONSULTATION}"
    print(f"The campaign:  {page}\n"
          f"Open now:      {here}  ({run.open_votes} votes, and a few every second)\n"
          f"Vote yourself: {here}/vote\n"
          f"Operators:     {urls['gateway']}/ops\n"
          "The stack stays up until Ctrl-C.", flush=True)
    await trickle(gateway, OPEN_CONSULTATION, run.seed)
