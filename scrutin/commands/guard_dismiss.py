"""`scrutin guard dismiss`: say that a finding is none of machines."""

from schemas.corrections import FINDING_DISMISSED
from scrutin.acting.acts import Wanted
from scrutin.commands import acting, producing


def dismiss(finding: acting.Finding, *, reason: producing.Reason) -> None:
    """Say that nobody is to be set aside by a finding; no figure moves.

    From then on the patrol sets nobody aside by it, in any mode of its rule. Where it has set
    somebody aside, `scrutin guard reinstate --finding` lets them count again. Exit status 2 where
    somebody is set aside, no key at hand may sign, or the log has rules 1, 3 where the finding,
    Kafka or a topic is missing.
    """
    acting.carry_out(finding, Wanted(FINDING_DISMISSED, reason))
