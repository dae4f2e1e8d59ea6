-- The controls of a consultation up to a vector of offsets, each once: a voter's control by its
-- event id, the first closing of each partition. Those of voters in another's partition are void.
SELECT
    partition, min(offset) AS at, any(kind) AS control, voter, event_id
FROM votes
WHERE topic = {topic:String} AND consultation = {consultation:String}
    AND kind IN ('consultation_closed', 'voter_suspended', 'voter_reinstated')
    AND offset <= {vector:Array(Int64)}[partition + 1]
    AND (kind = 'consultation_closed' OR partition =
        reinterpretAsUInt32(reverse(substring(voter, 1, 4))) % length({vector:Array(Int64)}))
GROUP BY partition, voter, event_id
ORDER BY partition, at
