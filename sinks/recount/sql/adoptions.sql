-- Where each partition adopted rules 2 first, up to a vector of offsets.
SELECT partition, min(offset) AS at
FROM votes
WHERE topic = {topic:String} AND kind = 'rules_adopted' AND ledger_version = 2
    AND offset <= {vector:Array(Int64)}[partition + 1]
GROUP BY partition
ORDER BY partition
