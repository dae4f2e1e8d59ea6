-- Every adoption of rules and keys up to a vector of offsets, in the order of the log. Which of them
-- count is told by their bytes.
SELECT partition, offset, hex(value) AS bytes
FROM votes
WHERE topic = {topic:String} AND kind = 'rules_adopted'
    AND offset <= {vector:Array(Int64)}[partition + 1]
ORDER BY partition, offset
