"""What was measured, as a table, as JSON and as a page of the documentation."""

import json
import platform
import statistics
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.figures import FIGURES
from deploy.local.kafka_runtime import KAFKA_VERSION


LATEST = Path(__file__).with_name("latest.json")
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
PACKAGES = ("faust-streaming", "aiokafka", "fastavro", "chdb", "clickhouse-connect")
Runs = dict[str, list[float]]


def document(runs: Runs) -> dict[str, dict[str, Any]]:
    """Give each figure measured: the median of its runs, its goal, and the runs."""
    return {
        name: {
            "value": statistics.median(runs[name]), "unit": figure.unit, "goal": figure.goal,
            "lower_is_better": figure.lower_is_better, "against": figure.against,
            "runs": runs[name],
        }
        for name, figure in FIGURES.items() if runs.get(name)
    }


def reached(entry: dict[str, Any]) -> bool | None:
    """Whether a figure reaches its goal; None without a goal."""
    if entry["goal"] is None:
        return None
    if entry["lower_is_better"]:
        return bool(entry["value"] <= entry["goal"])
    return bool(entry["value"] >= entry["goal"])


def number(value: float) -> str:
    """Write a number with three digits that say something."""
    if value >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def rows(found: dict[str, dict[str, Any]]) -> list[tuple[str, ...]]:
    """Give a row a figure: name, median, range, unit, goal, verdict."""
    verdicts = {True: "reached", False: "MISSED", None: ""}
    return [
        (name, number(entry["value"]),
         f"{number(min(entry['runs']))} to {number(max(entry['runs']))}", entry["unit"],
         "" if entry["goal"] is None
         else ("≤ " if entry["lower_is_better"] else "≥ ") + number(entry["goal"]),
         verdicts[reached(entry)])
        for name, entry in found.items()
    ]


COLUMNS = ("figure", "median", "range", "unit", "goal", "")


def show(found: dict[str, dict[str, Any]], console: Console) -> None:
    """Print the table."""
    table = Table(title="Benchmarks")
    for column in COLUMNS:
        table.add_column(column, no_wrap=True, justify="left" if column == "figure" else "right")
    for row in rows(found):
        table.add_row(*row)
    console.print(table)


def page(found: dict[str, dict[str, Any]], notes: list[str]) -> str:
    """Write the page: machine, versions, medians and ranges, what each figure means."""
    versions = [f"{name} {metadata.version(name)}" for name in PACKAGES]
    machine = (
        f"{datetime.now(UTC):%d %B %Y}. {psutil.cpu_count()} cores ({platform.machine()}), "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()}; "
        f"Python {platform.python_version()}, Kafka {KAFKA_VERSION}, {', '.join(versions)}.")
    lines = [
        "<!-- Written by `make bench ARGS=--write-docs`. -->", "# Benchmarks", "",
        "Every figure is measured on real parts by `make bench`; broker and measuring program are",
        "on the same machine. A ratio and what it is taken of are of the same run, by turns.", "",
        machine, "",
        "| figure | median | range | unit | goal | |", "| --- | ---: | ---: | --- | ---: | --- |",
        *(f"| `{row[0]}` | " + " | ".join(row[1:]) + " |" for row in rows(found)), "",
        "## What each figure is", "",
        *(f"* `{name}`: {figure.against}." for name, figure in FIGURES.items()), "",
        *notes,
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def write(found: dict[str, dict[str, Any]]) -> None:
    """Write latest.json."""
    LATEST.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", "utf-8")
