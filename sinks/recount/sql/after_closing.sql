-- Suspensions and reinstatements of a consultation that took effect after its closing, as its
-- decisions have them, up to a vector of votes offsets. Each partition has a closing of its own.
SELECT sum(arrayCount(control -> control > closing, controls))
FROM (
    SELECT
        minIf(source_offset, outcome = 'closed') AS closing,
        groupUniqArrayIf(source_offset, outcome IN ('suspended', 'reinstated')) AS controls
    FROM decisions
    WHERE topic = {topic:String} AND consultation = {consultation:String}
        AND kind IN ('consultation_closed', 'voter_suspended', 'voter_reinstated')
        AND source_offset <= {vector:Array(Int64)}[partition + 1]
    GROUP BY partition
    HAVING countIf(outcome = 'closed') > 0
)
