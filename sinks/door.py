"""What gateways counted at the door, by minute: challenges and refusals, from the archive."""

from typing import Any

from clickhouse_connect.driver.client import Client


MINUTES_MOST = 1_440
"""Minutes that are told: the last ones in which anything was counted, a day if all were."""
DAYS_MOST = 400
COUNTED = ("raised", "asked", "solved", "waited", "left")

_COUNTED = """
SELECT intDiv(JSONExtractInt(fields, 'minute'), {span:Int64}) * {span:Int64} AS begins,
    sum(JSONExtractInt(fields, 'raised')), sum(JSONExtractInt(fields, 'asked')),
    sum(JSONExtractInt(fields, 'solved')), sum(JSONExtractInt(fields, 'waited')),
    sum(JSONExtractInt(fields, 'left'))
FROM (
    SELECT fields FROM sequences WHERE topic = {topic:String}
        AND consultation = {consultation:String} AND event = 'DoorCounted'
    ORDER BY partition, offset LIMIT 1 BY event_id
)
GROUP BY begins ORDER BY begins DESC LIMIT {most:UInt64}
"""
_REFUSED = """
SELECT intDiv(JSONExtractInt(fields, 'minute'), {span:Int64}) * {span:Int64} AS begins,
    JSONExtractString(refusal, 'reason') AS reason, sum(JSONExtractInt(refusal, 'count'))
FROM (
    SELECT fields FROM sequences WHERE topic = {topic:String}
        AND consultation = {consultation:String} AND event = 'DoorCounted'
    ORDER BY partition, offset LIMIT 1 BY event_id
)
ARRAY JOIN JSONExtractArrayRaw(fields, 'refusals') AS refusal
GROUP BY begins, reason ORDER BY begins DESC, reason
"""
_MINUTE_MS, _DAY_MS = 60_000, 86_400_000

Row = dict[str, Any]


def door_counts(client: Client, sequences_topic: str, consultation: str) -> dict[str, list[Row]]:
    """Sum what all gateways counted, by minute and by day in UTC, the last first."""
    return {name: _by(client, sequences_topic, consultation, span, most) for name, span, most in (
        ("minutes", _MINUTE_MS, MINUTES_MOST), ("days", _DAY_MS, DAYS_MOST))}


def _by(
    client: Client, topic: str, consultation: str, span: int, most: int
) -> list[Row]:
    parameters = {"topic": topic, "consultation": consultation, "span": span, "most": most}
    rows: dict[int, Row] = {
        int(begins): {**dict(zip(COUNTED, map(int, counts), strict=True)), "refusals": {}}
        for begins, *counts in client.query(_COUNTED, parameters=parameters).result_rows
    }
    for begins, reason, count in client.query(_REFUSED, parameters=parameters).result_rows:
        if int(begins) in rows:
            rows[int(begins)]["refusals"][str(reason)] = int(count)
    return [{"begins": begins, **row} for begins, row in rows.items()]
