-- Records of the whole log by what became of them, up to a vector of votes offsets.
SELECT
    multiIf(
        reason != 'none', concat(toString(outcome), '_', toString(reason)),
        refusal != 'none', concat(toString(outcome), '_', toString(refusal)),
        toString(outcome)) AS decided,
    count() AS records
FROM (
    SELECT outcome, reason, refusal FROM decisions
    WHERE topic = {topic:String} AND fault = ''
        AND source_offset <= {vector:Array(Int64)}[partition + 1]
    ORDER BY partition, source_offset, offset
    LIMIT 1 BY partition, source_offset
)
GROUP BY decided
ORDER BY decided
