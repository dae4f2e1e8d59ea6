-- The controls of a consultation up to a vector of offsets, in the order of the log: closings and
-- sealings of each partition, controls of voters. Those in a partition not the voter's are void.
-- Whether one is taken, and what it names, is told by its bytes.
SELECT partition, offset AS at, kind AS control, voter, hex(value) AS bytes
FROM votes
WHERE topic = {topic:String} AND consultation = {consultation:String}
    AND kind IN ('consultation_closed', 'consultation_sealed', 'voter_suspended',
        'voter_reinstated')
    AND offset <= {vector:Array(Int64)}[partition + 1]
    AND (kind IN ('consultation_closed', 'consultation_sealed') OR partition =
        reinterpretAsUInt32(reverse(substring(voter, 1, 4))) % length({vector:Array(Int64)}))
ORDER BY partition, at
