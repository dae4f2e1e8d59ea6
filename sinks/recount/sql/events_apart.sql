-- Every event of the voters apart, in the order of the log.
SELECT
    partition, voter, offset, proposal, toString(kind) AS event,
    toUInt8(choice) + toUInt8(qualification) AS number, trust = 'suspect' AS is_suspect, event_id,
    offset > {rules_2_at:Array(UInt64)}[partition + 1] AS by_rules_2,
    bitShiftLeft(toUInt8(1), toUInt8(shown)) AS way
FROM votes
WHERE (
    -- include of_ballots
) AND (partition, voter) IN (
        -- include voters_apart
    )
ORDER BY partition, voter, offset
