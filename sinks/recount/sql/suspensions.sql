-- The decisions that suspended or reinstated voters of a consultation, up to a vector of votes
-- offsets, in the order of the log.
SELECT voter, hex(value) AS bytes
FROM decisions
WHERE topic = {topic:String} AND consultation = {consultation:String}
    AND outcome IN ('suspended', 'reinstated')
    AND source_offset <= {vector:Array(Int64)}[partition + 1]
ORDER BY partition, source_offset, offset
LIMIT 1 BY partition, source_offset
