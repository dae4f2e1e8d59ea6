"""A real Prometheus that asks real processes, with the rules of deploy/ and no patience."""

import asyncio
import contextlib
import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from deploy.local import child
from deploy.local.ports import find_free
from tests.deploy.prometheus_tools import ROOT, program
from tests.waiting import until


RULES = ROOT / "deploy/prometheus/scrutin.rules.yml"
ALERTS = [rule["alert"] for rule in yaml.safe_load(RULES.read_text("utf-8"))["groups"][0]["rules"]]
ANSWER_SECONDS = 5.0
RING_SECONDS = 120.0
"""Longest wait for an alert: an archive may be behind for a minute before one rings."""
LOOK_SECONDS = 0.5
STOP_SECONDS = 10.0


def impatient(rules: str) -> str:
    """Have alerts ring as soon as what they ask is so: only how long it must be so is changed."""
    return re.sub(r"\bfor: \w+", "for: 0s", rules).replace("offset 5m", "offset 5s")


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self._url, self._process, self._log = url, process, log

    def query(self, expression: str) -> list[dict[str, str]]:
        """Return the labels of what an expression finds; nothing where nobody answers yet."""
        assert self._process.poll() is None, self._log.read_text()
        asked = urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(
                    f"{self._url}/api/v1/query?{asked}", timeout=ANSWER_SECONDS) as answer:
                return [each["metric"] for each in json.load(answer)["data"]["result"]]
        except (urllib.error.URLError, OSError):
            return []

    def rung(self) -> set[str]:
        """Name the alerts that have rung, be it only once."""
        found = self.query('max_over_time(ALERTS{alertstate="firing"}[1h])')
        return {each["alertname"] for each in found}

    async def rings(self, *names: str) -> None:
        """Wait until alerts have rung."""
        missing = await self.missing(names)
        assert not missing, f"{missing} do not ring, {self.rung()} do"

    async def missing(self, names: Iterable[str]) -> list[str]:
        """Wait for alerts; return those that do not ring."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RING_SECONDS):
                while not {*names} <= await asyncio.to_thread(self.rung):
                    await asyncio.sleep(LOOK_SECONDS)
        return sorted({*names} - self.rung())

    async def sees(self, processes: int) -> None:
        """Wait until so many processes answer it, and rules have been looked at."""
        await until(lambda: len(self.query('up{job=~"scrutin-.*"} == 1')) == processes)


@contextmanager
def watching(folder: Path, workers: Mapping[str, str], servers: Mapping[str, str]
             ) -> Iterator[Prometheus]:
    """Run Prometheus over processes by their addresses, each second."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.yml").write_text(impatient(RULES.read_text("utf-8")))
    (folder / "prometheus.yml").write_text(yaml.safe_dump({
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [
            {"job_name": f"scrutin-{job}", "static_configs": [{"targets": [
                address.removeprefix("http://") for address in found.values()]}]}
            for job, found in (("workers", workers), ("servers", servers))]}))
    (port,) = find_free(1)
    log = folder / "prometheus.log"
    process = child.spawn([
        program("prometheus"), f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}"], log)
    try:
        yield Prometheus(f"http://127.0.0.1:{port}", process, log)
    finally:
        child.stop(process, STOP_SECONDS)
