"""Which rules are in force, with which numbers: defaults here, changes from the catalogue. Pure.

Theory of operation: code holds the versions of a rule, the log its mode and numbers. Whoever judges
gives the rules in; they are written into each judgement, where they differ from the defaults.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schemas.corrections import ANNOUNCED, RULE_CHANGED, Authority


OFF, REPORT, SET_ASIDE = range(3)
MODES = ("off", "report", "set_aside")
CROWD, SPREAD, RING, HURRIED, PARTNER, EARLY, ASKED, LEANING, BURST = range(1, 10)
"""The rules; a suspension by rule n has cause n."""
NAMES = {CROWD: "crowd", SPREAD: "spread", RING: "ring", HURRIED: "hurried", PARTNER: "partner",
         EARLY: "early", ASKED: "asked", LEANING: "leaning", BURST: "burst"}
REPORT_ONLY = frozenset((EARLY, ASKED, LEANING, BURST))
"""These set nothing aside, whatever their mode."""
FIRST_VERSION = 1
"""Of every rule: as it was before it was mended, for judgements that went by it."""
NEWEST = {rule: 2 if rule in (CROWD, SPREAD, LEANING) else FIRST_VERSION for rule in NAMES}
"""The version of each rule that new judgements go by."""
NO_CHANGE = bytes(16)
"""What the first change of a rule follows."""

Bounds = tuple[int, int, int]
"""Default, least and most of a parameter."""
_FIRST_KEY: dict[str, Bounds] = {
    "score": (27_600_000, 10_000_000, 1_000_000_000), "popularity_least": (2_000, 1, 500_000),
    "popularity_most": (500_000, 1, 999_999)}
PARAMETERS: dict[int, dict[str, Bounds]] = {
    CROWD: {"voters": (10, 10, 1_000_000), **_FIRST_KEY},
    SPREAD: {"networks": (20, 5, 1_000_000), "share_percent": (80, 51, 100), **_FIRST_KEY},
    RING: {"votes": (8, 5, 200), "partners": (5, 3, 1_000), "members": (10, 5, 1_000),
           "items": (3, 3, 100)},
    HURRIED: {"votes": (40, 20, 200), "seconds": (60, 1, 600)},
    PARTNER: {"votes": (500, 100, 1_000_000), "times_usual": (10, 2, 1_000),
              "hour_percent": (20, 5, 100)},
    EARLY: {"network_voters": (5, 3, 30), "score": (20_000_000, 1_000_000, 1_000_000_000)},
    ASKED: {"votes": (50, 10, 1_000_000), "score": (20_000_000, 1_000_000, 1_000_000_000)},
    LEANING: {"votes": (50, 20, 1_000_000), "deviation": (60, 10, 10_000)},
    BURST: {"voters": (100, 20, 1_000_000), "score": (20_723_266, 10_000_000, 1_000_000_000)},
}
"""Of first versions. Scores are micronats, popularity is in millionths."""
_LATER: dict[tuple[int, int], dict[str, Bounds]] = {
    (CROWD, 2): PARAMETERS[CROWD], (SPREAD, 2): PARAMETERS[SPREAD],
    (LEANING, 2): {"votes": (50, 20, 1_000_000),
                   "score": (13_815_511, 5_000_000, 1_000_000_000)}}


def parameters_of(rule: int, version: int) -> dict[str, Bounds] | None:
    """Return the parameters of a rule's version; None where there is none."""
    return PARAMETERS.get(rule) if version == FIRST_VERSION else _LATER.get((rule, version))


class Rule(NamedTuple):
    """A rule as it is in force."""

    rule: int
    version: int
    mode: int
    parameters: Mapping[str, int]

    @property
    def sets_aside(self) -> bool:
        """Whether who bears a mark is suspended."""
        return self.mode == SET_ASIDE and self.rule not in REPORT_ONLY


def default(rule: int, version: int = FIRST_VERSION) -> Rule:
    """Return a rule's version as it is where nobody changed it: it reports."""
    return Rule(rule, version, REPORT, {
        name: bounds[0] for name, bounds in (parameters_of(rule, version) or {}).items()})


class BadParameter(Exception):
    """A change of a rule that cannot be: the message says why."""


def changed(rule: int, version: int, mode: int, parameters: Mapping[str, int]) -> Rule:
    """Return a rule with some numbers of its own; raise BadParameter where one cannot be."""
    known = parameters_of(rule, version)
    if known is None or mode not in range(len(MODES)):
        raise BadParameter(f"there is no rule {rule} of version {version}, or no mode {mode}")
    for name, value in parameters.items():
        if name not in known:
            raise BadParameter(f"rule {rule} has no {name!r}; it has {', '.join(known)}")
        _, least, most = known[name]
        if not least <= value <= most:
            raise BadParameter(f"rule {rule}: {name} is {value}; {least} to {most} are allowed")
    return Rule(rule, version, mode, {**default(rule, version).parameters, **parameters})


@dataclass
class Rules:
    """The rules of all consultations: those of one, else those of all, else the defaults.

    Where nothing is said those are of the first versions: a judgement names all others.
    """

    changes: dict[tuple[str | None, int], Rule] = field(default_factory=dict)
    """By consultation, None for all, and rule."""
    newest: dict[tuple[str | None, int], bytes] = field(default_factory=dict)
    """Event id of the last change of each."""
    authority: Authority = field(default_factory=Authority, compare=False)
    """Whose changes count."""

    @classmethod
    def of_code(cls) -> "Rules":
        """Return the rules that new judgements go by, where no catalogue changes them."""
        return cls({(None, rule): default(rule, version) for rule, version in NEWEST.items()
                    if version != FIRST_VERSION})

    def by_operators(self) -> dict[tuple[str | None, int], Rule]:
        """Return the changes that somebody made: those that differ from a version's defaults."""
        return {place: rule for place, rule in self.changes.items()
                if place[0] is not None or rule != default(rule.rule, rule.version)}

    def of(self, consultation: str, rule: int) -> Rule:
        """Return a rule as it is in force for a consultation."""
        return (self.changes.get((consultation, rule)) or self.changes.get((None, rule))
                or default(rule))

    def follow(self, event: str, fields: dict[str, Any], value: bytes | None) -> bool:
        """Fold a record of the catalogue, if it counts; say whether it changed a rule."""
        if event == ANNOUNCED:
            self.authority.announce(fields, value)
            return False
        return event == RULE_CHANGED and self.authority.takes(event, fields, value) and (
            self.apply(event, fields))

    def apply(self, event: str, fields: dict[str, Any]) -> bool:
        """Fold an event of the catalogue that counts; say whether it changed a rule.

        One that does not follow the last change, as
        a record that came again, is passed over; so is a rule, version or parameter that is not
        known here: the catalogue outlives programs, and whoever writes it checks it before.
        """
        if event != RULE_CHANGED:
            return False
        place = fields["consultation"], fields["rule"]
        if fields["follows"] != self.newest.get(place, NO_CHANGE):
            return False
        self.newest[place] = fields["event_id"]
        parameters = {one["name"]: one["value"] for one in fields["parameters"]}
        try:
            rule = changed(fields["rule"], fields["version"], MODES.index(fields["mode"]),
                           parameters)
        except BadParameter:
            return False
        self.changes[place] = rule
        return True
