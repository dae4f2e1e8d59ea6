-- What rules 2 count besides, from the last decision about each voter and proposal, up to a vector of
-- votes offsets. Given from suspensions.sql: who is suspended last, and the lowest cause of each.
-- After the sealing all is late, and says nothing of what is counted.
WITH
    decided AS (
        SELECT partition, source_offset, voter, outcome, proposals, after, routes
        FROM decisions
        WHERE topic = {topic:String} AND consultation = {consultation:String}
            AND source_offset <= {vector:Array(Int64)}[partition + 1]
        ORDER BY partition, source_offset, offset
        LIMIT 1 BY partition, source_offset
    ),
    standing AS (
        SELECT
            voter, proposal,
            argMaxIf((after_one, route_one), source_offset, outcome != 'late') AS last,
            last.1 AS held,
            last.2 AS route,
            bitAnd(held, 3) != 0 AND bitAnd(held, 96) = 0 AS counts,
            bitAnd(held, 3) != 0 AND bitAnd(held, 64) != 0 AS set_aside,
            transform(lower(hex(voter)), {suspended:Array(String)}, {causes:Array(UInt8)},
                toUInt8(0)) AS cause
        FROM decided
        ARRAY JOIN proposals AS proposal, after AS after_one, routes AS route_one
        GROUP BY partition, voter, proposal
    )
SELECT
    proposal,
    countIf(set_aside AND cause = 1) AS set_aside_cause_1,
    countIf(set_aside AND cause = 2) AS set_aside_cause_2,
    countIf(set_aside AND cause = 3) AS set_aside_cause_3,
    countIf(set_aside AND cause = 4) AS set_aside_cause_4,
    countIf(set_aside AND cause = 5) AS set_aside_cause_5,
    countIf(set_aside AND cause = 6) AS set_aside_cause_6,
    countIf(set_aside AND cause = 7) AS set_aside_cause_7,
    countIf(set_aside AND cause = 8) AS set_aside_cause_8,
    countIf(set_aside AND cause = 9) AS set_aside_cause_9,
    countIf(set_aside AND cause = 10) AS set_aside_cause_10,
    countIf(set_aside AND cause = 11) AS set_aside_cause_11,
    countIf(set_aside AND cause = 12) AS set_aside_cause_12,
    countIf(set_aside AND cause = 13) AS set_aside_cause_13,
    countIf(set_aside AND cause = 14) AS set_aside_cause_14,
    countIf(set_aside AND cause = 15) AS set_aside_cause_15,
    countIf(counts AND route = 'drawn' AND bitAnd(held, 3) = 1) AS drawn_agree,
    countIf(counts AND route = 'drawn' AND bitAnd(held, 3) = 2) AS drawn_disagree,
    countIf(counts AND route = 'drawn' AND bitAnd(held, 3) = 3) AS drawn_neutral,
    countIf(counts AND route = 'drawn' AND bitAnd(held, 7) = 5) AS drawn_like_it,
    countIf(counts AND route = 'drawn' AND bitAnd(held, 11) = 9) AS drawn_doable,
    countIf(counts AND route = 'drawn' AND bitAnd(held, 19) = 17) AS drawn_platitude_agree,
    countIf(counts AND route = 'drawn' AND bitAnd(held, 7) = 6) AS drawn_no_way,
    countIf(counts AND route = 'drawn' AND bitAnd(held, 11) = 10) AS drawn_impossible,
    countIf(counts AND route = 'drawn' AND bitAnd(held, 19) = 18) AS drawn_platitude_disagree,
    countIf(counts AND route = 'drawn' AND bitAnd(held, 7) = 7) AS drawn_do_not_understand,
    countIf(counts AND route = 'drawn' AND bitAnd(held, 11) = 11) AS drawn_no_opinion,
    countIf(counts AND route = 'drawn' AND bitAnd(held, 19) = 19) AS drawn_do_not_care,
    countIf(counts AND route = 'asked') AS counted_asked
FROM standing
GROUP BY proposal
