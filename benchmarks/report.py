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

from benchmarks.figures import FIGURES, GROWTH
from deploy.local.kafka_jars import KAFKA_VERSION


LATEST = Path(__file__).with_name("latest.json")
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
CHART = PAGE.parent / "images" / "ledger-growth.svg"
PACKAGES = ("faust-streaming", "aiokafka", "fastavro", "chdb", "clickhouse-connect")
Runs = dict[str, list[float]]


def document(runs: Runs) -> dict[str, dict[str, Any]]:
    """Return each figure measured: the median of its runs, its goal, and the runs."""
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
    """Return a row a figure: name, median, range, unit, goal, verdict."""
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
        "on the same machine. A ratio and what it is taken of are of the same run, by turns.",
        "Where a goal is missed: [where the time goes, what it would take](performance.md).", "",
        machine, "",
        "| figure | median | range | unit | goal | |", "| --- | ---: | ---: | --- | ---: | --- |",
        *(f"| `{row[0]}` | " + " | ".join(row[1:]) + " |" for row in rows(found)), "",
        *(["![CPU a vote costs at 1, 3 and 10 million votes](images/ledger-growth.svg)", ""]
          if "ledger_cost_growth" in found else []),
        "## What each figure is", "",
        *(f"* `{name}`: {figure.against}." for name, figure in FIGURES.items()), "",
        *notes,
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def written(
    found: dict[str, dict[str, Any]], file: Path = LATEST
) -> dict[str, dict[str, Any]]:
    """Write latest.json; what was not measured this time stays. Give what stands there now."""
    before = json.loads(file.read_text("utf-8")) if file.exists() else {}
    latest = {name: (before | found)[name] for name in FIGURES if name in before | found}
    file.write_text(json.dumps(latest, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return latest


def write_page(found: dict[str, dict[str, Any]], notes: list[str]) -> None:
    """Write the page of the documentation, and its chart where that was measured."""
    points = {millions: found[name]["value"] for millions in GROWTH
              if (name := f"ledger_cpu_microseconds_per_vote_at_{millions}m") in found}
    if points:
        CHART.write_text(chart(points), "utf-8")
    PAGE.write_text(page(found, notes), "utf-8")


def chart(points: dict[int, float]) -> str:
    """Draw the cost of a vote against how many were decided: points are millions: µs."""
    width, height, left, bottom = 560, 260, 48, 40
    top, most = max(points.values()) * 1.25, max(points)

    def place(millions: float, cost: float) -> tuple[float, float]:
        return (round(left + (width - left - 24) * millions / most, 1),
                round((height - bottom) * (1 - cost / top) + 8, 1))

    places = {millions: place(millions, cost) for millions, cost in points.items()}
    line = " ".join(f"{x},{y}" for x, y in places.values())
    marks = "".join(
        f'<circle cx="{x}" cy="{y}" r="4"/>'
        f'<text x="{x}" y="{y - 12}" text-anchor="middle">{points[millions]:.1f} µs</text>'
        f'<text x="{x}" y="{height - 14}" text-anchor="middle">{millions} M</text>'
        for millions, (x, y) in places.items())
    base = place(0, 0)[1]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'font-family="sans-serif" font-size="13" fill="#4a6fd4">'
        "<title>CPU a vote costs, by how many votes were decided</title>"
        f'<rect width="{width}" height="{height}" fill="#fff"/>'
        f'<path d="M{left} 8V{base}H{width - 12}" fill="none" stroke="#888"/>'
        f'<polyline points="{line}" fill="none" stroke="#4a6fd4" stroke-width="2"/>'
        f"{marks}</svg>\n")
