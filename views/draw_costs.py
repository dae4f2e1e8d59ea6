"""What a drawn vote on a chosen proposal costs, as it was last measured of each consultation. Pure.

Measuring takes some seconds and needs the draw itself, which gateways have: whoever composes the
views measures now and then (`scrutin.views.draw_costs`) and tells this module. Pages say nothing of
it until then, and show everything else.
"""

from typing import Any


SMALL_SEQUENCES = 20
"""Where a drawn vote on half of all proposals costs no more sequences than this, pages say that the
draw protects nothing."""


class DrawCosts:
    """The newest measurement of each consultation, as `producers.gateway.draw_costs` gives it."""

    def __init__(self) -> None:
        self._told: dict[str, dict[str, Any]] = {}
        self._awaited: set[str] = set()

    def tell(self, consultation: str, found: dict[str, Any]) -> None:
        """Take a measurement."""
        self._told[consultation] = found
        self._awaited.discard(consultation)

    def of(self, consultation: str) -> dict[str, Any] | None:
        """Return what is known; None where nothing was measured."""
        return self._told.get(consultation)

    def asked(self, consultation: str) -> dict[str, Any] | None:
        """Return what is known, to somebody who looks: what is not is awaited from now on."""
        found = self.of(consultation)
        if found is None:
            self._awaited.add(consultation)
        return found

    def awaited(self, consultation: str) -> bool:
        """Whether somebody looked before there was a measurement."""
        return consultation in self._awaited


def shown(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """Arrange a measurement for pages: whole sequences; None where there is nothing to say."""
    if not found or not found["costs"]:
        return None
    whole = {name: round(cost["sequences"]) for name, cost in found["costs"].items()}
    return {**whole, "small": whole["median"] <= SMALL_SEQUENCES}
