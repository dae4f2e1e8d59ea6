-- Records of the whole log by what became of them, up to a vector of votes offsets.
SELECT
    if(reason = 'none', toString(outcome), concat(toString(outcome), '_', toString(reason)))
        AS decided,
    count() AS records
FROM (
    SELECT outcome, reason FROM decisions
    WHERE topic = {topic:String} AND fault = ''
        AND source_offset <= {vector:Array(Int64)}[partition + 1]
    ORDER BY partition, source_offset, offset
    LIMIT 1 BY partition, source_offset
)
GROUP BY decided
ORDER BY decided
