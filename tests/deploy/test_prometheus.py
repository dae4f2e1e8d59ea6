"""Alerts and dashboard speak of figures that exist, with the thresholds of the operators' page."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.figures import FIGURES, PROCESS_MEMORY, PROCESS_STARTED
from tests.test_docs import _anchors
from views.operations import alarms
from views.operations.gateways import OWN_FAULTS


ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy/prometheus"
RULES: list[dict[str, Any]] = yaml.safe_load(
    (FOLDER / "scrutin.rules.yml").read_text("utf-8"))["groups"][0]["rules"]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/scrutin.json").read_text("utf-8"))
EXPRESSIONS = [rule["expr"] for rule in RULES] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_figure_that_is_asked_for_exists(expression: str) -> None:
    """Names and labels are those of the figures: an alert on a name nobody gives never rings."""
    asked = re.findall(r"((?:scrutin|process)_\w+)(?:\{([^}]*)\})?", re.sub(
        r"by \([^)]*\)|on \([^)]*\)", "", expression))

    assert asked or expression.startswith("up{")
    for name, matchers in asked:
        assert name in {*FIGURES, PROCESS_STARTED, PROCESS_MEMORY}
        labels = set(re.findall(r"(\w+)[=!]", matchers)) - {"job"}
        assert labels <= set(FIGURES[name].labels if name in FIGURES else ())


def test_prometheus_and_the_page_alarm_alike() -> None:
    """The thresholds of the rules are the constants of the page."""
    by_name = {rule["alert"]: f"{rule['expr']} and" for rule in RULES}
    wanted = {
        "ScrutinPagesBehind": (f"> {alarms.LAG_PAGE_SECONDS:.0f} and",),
        "ScrutinArchiveBehind": (f"> {alarms.LAG_ARCHIVE_SECONDS:.0f} and",),
        "ScrutinGatewayFull": (f"> {alarms.GATEWAY_FULL_SHARE} and",),
        "ScrutinGatewayClockApart": (f"> {alarms.CLOCK_APART_SECONDS:.0f} and",),
        "ScrutinDeadLetters": (
            f"> {alarms.DEAD_LETTERS_MIN} and", f"> {alarms.DEAD_LETTER_RATIO} *"),
        "ScrutinUnsignedControls": (
            f'{{reason="unsigned"}}[{alarms.UNSIGNED_SECONDS:.0f}s]', "> 0 and"),
        "ScrutinVotesTurnedAway": (
            f"> {alarms.TURNED_AWAY_MIN} and", f"> {alarms.TURNED_AWAY_RATIO} *",
            f'"{"|".join(OWN_FAULTS)}"'),
    }

    assert [(name, part) for name, parts in wanted.items() for part in parts
            if part not in by_name[name]] == []


def test_every_alert_is_explained() -> None:
    """Each says what happened, how urgent it is, and leads to a heading of the documentation."""
    for rule in RULES:
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert anchor in _anchors(ROOT / page)
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_promtool_tests_know_every_rule_they_name() -> None:
    """The tests for promtool, which is not at hand everywhere, are about rules that exist."""
    tests = yaml.safe_load((FOLDER / "scrutin.rules.test.yml").read_text("utf-8"))["tests"]
    named = {case["alertname"] for test in tests for case in test["alert_rule_test"]}

    assert named <= {rule["alert"] for rule in RULES}
    assert len(named) >= 5
