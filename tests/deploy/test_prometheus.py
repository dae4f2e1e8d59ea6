"""Alerts and dashboard speak of figures that exist, with the thresholds of the operators' page."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.figures import FIGURES, PROCESS_MEMORY, PROCESS_STARTED, Sample, exposition
from tests.deploy.prometheus_tools import promtool
from tests.test_docs import _anchors
from views.operations import alarms
from views.operations.gateways import OWN_FAULTS


ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy/prometheus"
LEFT_OUT = {
    "scrutin_ledger_next_offset": "waits by hop say how far it is",
    "scrutin_ledger_failed_snapshots": "its alarm says it",
    "scrutin_ledger_recovered": "a process that recovers is not ready, which is shown",
    "scrutin_results_next_offset": "waits by hop say how far it is",
    "scrutin_patrol_next_offset": "what it is behind is shown",
    "scrutin_archive_measured_timestamp_seconds": "an alert says when it is old",
    "scrutin_notary_next_offset": "what is not signed is shown, which holds it",
    "scrutin_notary_witnessed_offset": "how long a log waits for its witnesses is shown",
    "scrutin_gateway_connected": "a gateway that is not is not ready, which is shown",
    "scrutin_gateway_clock_measured": "an alert says when it is not",
    "scrutin_gateway_answer_seconds_count": "answers by status are shown",
    "scrutin_gateway_answer_seconds_sum": "quantiles are shown",
    "scrutin_views_answer_seconds_count": "answers by status are shown",
    "scrutin_views_answer_seconds_sum": "quantiles are shown",
    "scrutin_process_restarts_total": "restarts are shown from each process's own start",
    "scrutin_recount_timestamp_seconds": "the verdict is shown",
}
"""Figures that are not on the board, and why."""
LEFT_TO_PROMTOOL = {
    "ScrutinWorkersMissing": "several workers at one port: `tests/scrutin/workers` kills them",
    "ScrutinGatewayFull": "8,192 events wait only behind more voters than a test has",
    "ScrutinGatewayClockApart": "a clock that is wrong: `make faults` has gateways with such",
    "ScrutinGatewayClockUnmeasured": "three minutes without a broker",
    "ScrutinArchiveNotMeasured": "ten minutes without a count",
    "ScrutinPatrolBehind": "100,000 votes at once: `make attack` has them",
    "ScrutinPatrolOwes": "a guard's key that is gone: the patrol's own tests have it",
    "ScrutinPatrolDiffers": "a judgement by another release: the patrol's own tests have it",
    "ScrutinClosingOverdue": "a log with keys, and none here: the clerk has tests of its own",
    "ScrutinRecountDiffers": "the recounts' own tests have it",
    "ScrutinDiskNearlyFull": "a disk of its own",
    "ScrutinSnapshotsFail": "a store that is away: the ledger's own tests have such",
    "ScrutinNobodyLeads": "a lease that none of several takes: their own tests have leases",
    "ScrutinNoQuorumOfWitnesses": "ten minutes without witnesses: the notary's own tests have such",
    "ScrutinWitnessSawAnotherLog": "a forked log: `make interop` shows one to real witnesses",
    "ScrutinViewsSlow": "a crowd for minutes: benchmarks have it",
}
"""Alerts that `make production` rings by no real fault; promtool's tests have all."""
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
        base, _, where = rule["annotations"]["runbook_url"].partition("/docs/")
        page, _, anchor = where.partition("#")
        assert base == "https://scrutin.example", "one base, which operators replace at once"
        assert anchor in _anchors(ROOT / "docs" / page)
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_the_base_of_runbooks_is_documented() -> None:
    """The command that replaces it stands in the rules' head and in the operators' page."""
    command = "sed -i 's#https://scrutin.example#"

    assert command in (FOLDER / "scrutin.rules.yml").read_text("utf-8")
    assert command in (ROOT / "docs/operate.md").read_text("utf-8")


def test_each_alert_is_tried_silent_and_ringing() -> None:
    """promtool's tests have for every rule a moment before and a moment in its fault."""
    tests = yaml.safe_load((FOLDER / "scrutin.rules.test.yml").read_text("utf-8"))["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    ringing = {case["alertname"] for case in cases if case["exp_alerts"]}
    silent = {case["alertname"] for case in cases if not case["exp_alerts"]}
    names = {rule["alert"] for rule in RULES}

    assert ringing == names
    assert names - silent == set()


@pytest.mark.parametrize(("task", "file"), [
    (["check", "rules"], "scrutin.rules.yml"), (["test", "rules"], "scrutin.rules.test.yml"),
    (["check", "config", "--syntax-only"], "prometheus.yml")])
def test_prometheus_itself_finds_no_fault(task: list[str], file: str) -> None:
    """promtool takes the rules, sees each ring when it shall, and takes the configuration."""
    done = promtool(*task, str(FOLDER / file))

    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_finds_no_fault_in_our_figures() -> None:
    """Each has a help and a type, and the name that Prometheus's people would give it."""
    said = exposition(Sample(figure, 1.0, tuple("0.5" if name == "le" else "x"
                                                for name in figure.labels))
                      for figure in FIGURES.values()).decode()
    done = promtool("check", "metrics", given=without_classes(said))

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def without_classes(said: str) -> str:
    """Complete the histograms, of which each figure was said once: +Inf is their count."""
    return re.sub(r"^(\w+_bucket){le=\"0.5\"} 1.0$", r'\g<0>\n\1{le="+Inf"} 1.0', said,
                  flags=re.MULTILINE)


def test_every_figure_is_on_the_board_or_left_out_for_a_reason() -> None:
    """Whoever adds a figure puts it on the board, or says why it is not there."""
    shown = {name for panel in DASHBOARD["panels"] for target in panel["targets"]
             for name in re.findall(r"scrutin_\w+", target["expr"])}

    assert {*FIGURES} - shown == {*LEFT_OUT}


def test_panels_do_not_lie_on_one_another() -> None:
    """Each has a number and a place of its own, within the board's 24 columns."""
    places = [(panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
              for panel in DASHBOARD["panels"]
              for x in range(panel["gridPos"]["w"]) for y in range(panel["gridPos"]["h"])]

    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) < 24
