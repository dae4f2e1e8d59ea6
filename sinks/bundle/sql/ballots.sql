-- One row a vote of a consultation, that is a voter and a proposal: what is in force at a vector of
-- votes offsets, and what became of every event about it. After the sealing voters are forgotten
-- and all is late: what was in force before stays counted, so late events say nothing about it.
WITH
    decided AS (
        SELECT partition, source_offset, voter, kind, outcome, reason, proposals, after, routes
        FROM decisions
        WHERE topic = {decisions:String} AND consultation = {consultation:String}
            AND source_offset <= {vector:Array(Int64)}[partition + 1]
        ORDER BY partition, source_offset, offset
        LIMIT 1 BY partition, source_offset
    ),
    days AS (
        SELECT partition, offset AS source_offset, toString(toDate(occurred_at, {zone:String})) AS day
        FROM votes WHERE topic = {votes:String} AND consultation = {consultation:String}
    ),
    changes AS (
        SELECT partition, source_offset, voter, kind, outcome, reason, proposal, held, route
        FROM decided ARRAY JOIN proposals AS proposal, after AS held, routes AS route
    )
SELECT
    proposal, partition, voter,
    argMaxIf((held, toUInt8(route)), source_offset, outcome != 'late') AS last,
    last.1 AS standing,
    last.2 AS last_route,
    transform(lower(hex(voter)), {suspended:Array(String)}, {causes:Array(UInt8)}, toUInt8(0))
        AS rule,
    minIf(day, kind NOT IN ('voter_suspended', 'voter_reinstated')) AS first_day,
    countIf(kind NOT IN ('voter_suspended', 'voter_reinstated')) AS events,
    countIf(kind = 'vote_cast') AS received,
    countIf(outcome = 'changed') AS superseded,
    countIf(outcome = 'withdrawn') AS withdrawn,
    countIf(kind = 'vote_cast' AND outcome = 'unchanged') AS unchanged,
    countIf(kind = 'vote_cast' AND outcome = 'repeated') AS repeated,
    countIf(kind = 'vote_cast' AND outcome = 'proven') AS proven,
    countIf(kind = 'vote_cast' AND outcome = 'late') AS late,
    countIf(kind = 'vote_cast' AND reason = 'misplaced') AS refused_misplaced,
    countIf(kind = 'vote_cast' AND reason = 'unproven_change') AS refused_unproven_change,
    countIf(kind = 'vote_cast' AND reason = 'too_many') AS refused_too_many
FROM changes LEFT ANY JOIN days USING (partition, source_offset)
GROUP BY proposal, partition, voter
ORDER BY proposal, partition, voter
