"""`scrutin guard confirm`: set aside whom a finding names."""

from schemas.corrections import FINDING_CONFIRMED
from scrutin.acting.acts import Wanted
from scrutin.commands import acting, producing


def confirm(
    finding: acting.Finding,
    *,
    reason: producing.Reason,
    marked_only: acting.MarkedOnly = False,
    second: acting.Second = None,
    after_closing: producing.AfterClosing = False,
) -> None:
    """Set aside the votes of those whom a finding names up to now, until they are reinstated.

    Above one in a hundred of the consultation's votes it waits until another operator, with another
    key, gives the same command; the same key twice does not count. Who is named later is not
    covered: confirm again. Safe to repeat, and to go on with after it was killed. Exit status 2
    where it cannot be: no key at hand may sign, rules 1, a second person is lacking, the
    consultation is closed or sealed, or who was named was reinstated; 3 where the finding, Kafka or
    a topic is missing.
    """
    acting.carry_out(finding, Wanted(
        FINDING_CONFIRMED, reason, marked_only=marked_only, second=second),
        after_closing=after_closing)
