"""Count the votes of consultations by day: what the results page shows of participation in time."""

from datetime import date

from clickhouse_connect.driver.client import Client


_BY_DAY = """
SELECT toString(toDate(toTimeZone(occurred_at, {zone:String}))), count() FROM votes
WHERE topic = {topic:String} AND consultation = {consultation:String} AND kind = 'vote_cast'
GROUP BY 1 ORDER BY 1
"""


def votes_by_day(
    client: Client, votes_topic: str, consultation: str, time_zone: str
) -> dict[date, int]:
    """Count VoteCast records by day of a time zone; their sum is the votes received."""
    rows = client.query(_BY_DAY, parameters={
        "topic": votes_topic, "consultation": consultation, "zone": time_zone}).result_rows
    return {date.fromisoformat(day): int(votes) for day, votes in rows}
