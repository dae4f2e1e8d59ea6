-- Counts of every proposal of a consultation as the sum of (after - before) over the decisions, up
-- to a vector of votes offsets. A standing is packed in one number: see tables/002_decisions.sql.
-- The row of an empty proposal holds the figures of the whole consultation.
WITH
    decided AS (
        SELECT voter, kind, outcome, reason, proposals, before, after
        FROM decisions
        WHERE topic = {topic:String} AND consultation = {consultation:String}
            AND source_offset <= {vector:Array(Int64)}[partition + 1]
        ORDER BY partition, source_offset, offset
        LIMIT 1 BY partition, source_offset
    ),
    changes AS (
        SELECT
            voter, kind, outcome, reason, proposal, held_before, held_after,
            bitAnd(held_before, 3) != 0 AND bitAnd(held_before, 96) = 0 AS counted_before,
            bitAnd(held_after, 3) != 0 AND bitAnd(held_after, 96) = 0 AS counted_after
        FROM decided ARRAY JOIN proposals AS proposal, before AS held_before, after AS held_after
    )
SELECT
    proposal,
    countIf(kind = 'vote_cast') AS received,
    countIf(counted_after AND bitAnd(held_after, 3) = 1)
        - countIf(counted_before AND bitAnd(held_before, 3) = 1) AS agree,
    countIf(counted_after AND bitAnd(held_after, 3) = 2)
        - countIf(counted_before AND bitAnd(held_before, 3) = 2) AS disagree,
    countIf(counted_after AND bitAnd(held_after, 3) = 3)
        - countIf(counted_before AND bitAnd(held_before, 3) = 3) AS neutral,
    countIf(counted_after AND bitAnd(held_after, 7) = 5)
        - countIf(counted_before AND bitAnd(held_before, 7) = 5) AS like_it,
    countIf(counted_after AND bitAnd(held_after, 11) = 9)
        - countIf(counted_before AND bitAnd(held_before, 11) = 9) AS doable,
    countIf(counted_after AND bitAnd(held_after, 19) = 17)
        - countIf(counted_before AND bitAnd(held_before, 19) = 17) AS platitude_agree,
    countIf(counted_after AND bitAnd(held_after, 7) = 6)
        - countIf(counted_before AND bitAnd(held_before, 7) = 6) AS no_way,
    countIf(counted_after AND bitAnd(held_after, 11) = 10)
        - countIf(counted_before AND bitAnd(held_before, 11) = 10) AS impossible,
    countIf(counted_after AND bitAnd(held_after, 19) = 18)
        - countIf(counted_before AND bitAnd(held_before, 19) = 18) AS platitude_disagree,
    countIf(counted_after AND bitAnd(held_after, 7) = 7)
        - countIf(counted_before AND bitAnd(held_before, 7) = 7) AS do_not_understand,
    countIf(counted_after AND bitAnd(held_after, 11) = 11)
        - countIf(counted_before AND bitAnd(held_before, 11) = 11) AS no_opinion,
    countIf(counted_after AND bitAnd(held_after, 19) = 19)
        - countIf(counted_before AND bitAnd(held_before, 19) = 19) AS do_not_care,
    countIf(bitAnd(held_after, 3) != 0 AND bitAnd(held_after, 96) = 32)
        - countIf(bitAnd(held_before, 3) != 0 AND bitAnd(held_before, 96) = 32)
        AS set_aside_unproven,
    countIf(bitAnd(held_after, 3) != 0 AND bitAnd(held_after, 64) != 0)
        - countIf(bitAnd(held_before, 3) != 0 AND bitAnd(held_before, 64) != 0)
        AS set_aside_suspended,
    countIf(outcome = 'changed') AS superseded,
    countIf(outcome = 'withdrawn') AS withdrawn,
    countIf(kind = 'vote_cast' AND outcome = 'unchanged') AS unchanged,
    countIf(kind = 'vote_cast' AND outcome = 'repeated') AS repeated,
    countIf(kind = 'vote_cast' AND outcome = 'proven') AS proven,
    countIf(kind = 'vote_cast' AND outcome = 'late') AS late,
    countIf(kind = 'vote_cast' AND reason = 'misplaced') AS refused_misplaced,
    countIf(kind = 'vote_cast' AND reason = 'unproven_change') AS refused_unproven_change,
    countIf(kind = 'vote_cast' AND reason = 'too_many') AS refused_too_many
FROM changes
GROUP BY proposal WITH ROLLUP
