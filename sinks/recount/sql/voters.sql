-- The voters of a consultation as its decisions have them, up to a vector of votes offsets.
SELECT
    countIf(counted > 0) AS participants,
    countIf(received > 0) AS participants_received
FROM (
    SELECT
        voter,
        sum(toInt64(arrayCount(held -> bitAnd(held, 3) != 0 AND bitAnd(held, 96) = 0, after))
            - arrayCount(held -> bitAnd(held, 3) != 0 AND bitAnd(held, 96) = 0, before))
            AS counted,
        countIf(kind = 'vote_cast' AND outcome NOT IN ('repeated', 'late')
            AND reason != 'misplaced') AS received
    FROM (
        SELECT voter, kind, outcome, reason, before, after
        FROM decisions
        WHERE topic = {topic:String} AND consultation = {consultation:String}
            AND source_offset <= {vector:Array(Int64)}[partition + 1]
        ORDER BY partition, source_offset, offset
        LIMIT 1 BY partition, source_offset
    )
    GROUP BY voter
)
