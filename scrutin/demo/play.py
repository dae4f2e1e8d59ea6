"""The demo, phase by phase: start, write, decide, archive, recount, compare."""

import asyncio
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp

from deploy.local.status import bring_down
from deploy.machine.files import keep_private
from scrutin import addresses
from scrutin.demo.attack import attacked
from scrutin.demo.comparison import Check, compare
from scrutin.demo.counters import Counters, Watch, until
from scrutin.demo.screen import Screen
from scrutin.demo.trickle import crowd, one_voter
from scrutin.settings import Settings
from scrutin.stack.plan import ExplicitPorts
from scrutin.stack.process import start_detached


CONSULTATION = "solutions-jeunes"
PUBLISHED = Path(__file__).with_name("published.json")
OPEN_CONSULTATION = "nos-villes"
OPEN_FILE = Path(__file__).with_name("open.json")
OPEN_DAYS = 30
"""So long the open consultation is announced to last, from the day of the demo on."""
OPENING_SECONDS = 30.0
"""So long the gateway may take to know what was just described: it takes half a second."""
OPENING_POLL_SECONDS = 0.2
CATCH_UP_SECONDS = 180.0
"""Deciding and archiving the whole campaign may take so long after it was written."""
SIMULATE_SECONDS = 300.0
LOCAL = "127.0.0.1"
MARKER = "demo.marker"
"""Only a folder with this file in it is emptied before the demo starts."""


def open_consultation(today: date) -> dict[str, Any]:
    """Describe the open consultation as one that opened today."""
    described: dict[str, Any] = json.loads(OPEN_FILE.read_text("utf-8"))
    opens = datetime.combine(today, datetime.min.time(), ZoneInfo(described["time_zone"]))
    last = today + timedelta(OPEN_DAYS - 1)
    return described | {
        "opens_at": opens.isoformat(), "closes_at": (opens + timedelta(OPEN_DAYS)).isoformat(),
        "stages": [{"name": "consultation", "begins": f"{today}", "ends": f"{last}"}]}


class DemoFailed(Exception):
    """A phase did not end as it must."""


@dataclass
class Demo:
    """One run of the demo."""

    settings: Settings
    screen: Screen
    seed: int
    published: dict[str, Any]
    phases: list[tuple[str, float]] = field(default_factory=list)
    open_votes: int = 0
    """Votes of the first crowd of the open consultation."""

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Name a phase, and time it: some keep silent for long."""
        self.screen.say(f"now: {name}")
        began = time.monotonic()
        try:
            yield
        finally:
            self.phases.append((name, time.monotonic() - began))

    def start(self) -> dict[str, str]:
        """Start a fresh stack in a folder of the demo's own; return its addresses."""
        folder = self.settings.data_dir
        bring_down(folder)
        if folder.exists():
            if not (folder / MARKER).exists():
                raise DemoFailed(
                    f"{folder} was not made by the demo and will not be emptied. Set "
                    "SCRUTIN_DATA_DIR to another folder.")
            shutil.rmtree(folder)
        keep_private(folder)
        (folder / MARKER).write_text("The demo empties this folder when it starts.\n")
        with self.phase("start the stack"):
            return dict(start_detached(
                # Its voters are programs here, which say where they come from.
                self.settings.model_copy(update={"gateway_proxies": LOCAL}),
                ExplicitPorts(views=self.settings.views_port),
                report=self.screen.say).urls)

    def stop(self) -> None:
        """Stop the stack."""
        bring_down(self.settings.data_dir)

    async def campaign(self, urls: dict[str, str]) -> dict[str, Any]:
        """Write the campaign, wait until it is decided, published and archived; give results."""
        topics = addresses.topics(self.settings)
        async with Watch(urls["kafka"], topics, self._health()) as watch:
            self.screen.start_counters()
            try:
                with self.phase("write the campaign (simulator)"):
                    await self._simulate(watch)
                with self.phase("decide, tally and publish the rest"):
                    await until(watch, lambda c: c.published and not c.lag, self.screen.show,
                                seconds=CATCH_UP_SECONDS)
                with self.phase("archive the rest"):
                    await until(watch, _archived, self.screen.show, seconds=CATCH_UP_SECONDS)
            except TimeoutError as error:
                raise DemoFailed(f"the campaign was not processed in time; the logs are in "
                                 f"{self.settings.data_dir / 'logs'}") from error
            finally:
                self.screen.stop_counters()
        with self.phase("read the results"):
            return await self._document(urls["views"])

    def _health(self) -> dict[str, str]:
        state = addresses.local_state(self.settings) or {}
        return {process["name"]: process["address"] for process in state.get("processes", ())
                if process.get("address")}

    async def _simulate(self, watch: Watch) -> None:
        """Run `scrutin simulate` while the counters move."""
        process = await self._scrutin("simulate", "--seed", str(self.seed))
        ended = asyncio.ensure_future(process.communicate())
        try:
            await until(watch, lambda _: ended.done(), self.screen.show, seconds=SIMULATE_SECONDS)
            _, errors = await ended
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise DemoFailed(f"scrutin simulate ended with {process.returncode}: "
                             f"{errors.decode(errors='replace')[-2000:]}")

    async def recount(self) -> tuple[int, dict[str, Any]]:
        """Run `scrutin audit recount`; return its exit code and report."""
        with self.phase("recount: live, pure, SQL, sum of changes"):
            process = await self._scrutin("audit", "recount", CONSULTATION, "--json")
            output, errors = await process.communicate()
        if not output.strip():
            raise DemoFailed(f"scrutin audit recount ended with {process.returncode}: "
                             f"{errors.decode(errors='replace')[-2000:]}")
        report: dict[str, Any] = json.loads(output)
        assert process.returncode is not None
        return process.returncode, report

    async def attack(self, urls: dict[str, str]) -> list[Check]:
        """Open the booth, have a script attack a proposal there; return the checks."""
        with self.phase("open a consultation, attack it"):
            self.open_votes = await self.open_booth(urls["gateway"])
            proposal = json.loads(OPEN_FILE.read_text("utf-8"))["proposals"][0]["id"]
            try:
                return await attacked(
                    urls, addresses.topics(self.settings), OPEN_CONSULTATION, proposal)
            except TimeoutError as error:
                raise DemoFailed("nobody told of the attack in time; the logs are in "
                                 f"{self.settings.data_dir / 'logs'}") from error

    async def open_booth(self, gateway: str) -> int:
        """Describe a consultation that is open and let a crowd vote; return the number of votes."""
        file = self.settings.data_dir / OPEN_FILE.name
        described = open_consultation(datetime.now(UTC).date())
        file.write_text(json.dumps(described), "utf-8")
        process = await self._scrutin("consultation", "apply", str(file))
        _, errors = await process.communicate()
        if process.returncode:
            raise DemoFailed(f"scrutin consultation apply ended with {process.returncode}: "
                             f"{errors.decode(errors='replace')[-2000:]}")
        async with asyncio.timeout(OPENING_SECONDS):
            first = await self._first_voter(gateway)
        return first + await crowd(gateway, OPEN_CONSULTATION, self.seed)

    async def _first_voter(self, gateway: str) -> int:
        """Vote as soon as the gateway knows what was just described."""
        while True:
            try:
                return await one_voter(gateway, OPEN_CONSULTATION, random.Random(self.seed))
            except aiohttp.ClientResponseError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
                await asyncio.sleep(OPENING_POLL_SECONDS)

    async def _scrutin(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "scrutin", *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "SCRUTIN_DATA_DIR": str(self.settings.data_dir)})

    async def _document(self, views: str) -> dict[str, Any]:
        url = f"{views}/v1/consultations/{CONSULTATION}/results"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            answer.raise_for_status()
            document: dict[str, Any] = await answer.json()
            return document

    def checks(
        self, document: dict[str, Any], recount: tuple[int, dict[str, Any]],
        attack: list[Check],
    ) -> list[Check]:
        """Compare everything: published figures, conservation, recount, and the attack."""
        code, _ = recount
        return [
            *compare(document, self.published),
            Check("recount", "exit code of `scrutin audit recount`", 0, code),
            *attack,
        ]


def _archived(counters: Counters) -> bool:
    return counters.archived >= counters.to_archive > 0
