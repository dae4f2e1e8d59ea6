-- The controls of a consultation up to a vector of offsets, each once by its event id: closings and
-- sealings of each partition, controls of voters. Those in a partition not the voter's are void.
-- Controls of version 2 are told by their bytes.
SELECT
    partition, min(offset) AS at, any(kind) AS control, voter, event_id, hex(value) AS bytes
FROM votes
WHERE topic = {topic:String} AND consultation = {consultation:String}
    AND kind IN ('consultation_closed', 'consultation_sealed', 'voter_suspended',
        'voter_reinstated')
    AND offset <= {vector:Array(Int64)}[partition + 1]
    AND (kind IN ('consultation_closed', 'consultation_sealed') OR partition =
        reinterpretAsUInt32(reverse(substring(voter, 1, 4))) % length({vector:Array(Int64)}))
GROUP BY partition, voter, event_id, value
ORDER BY partition, at
