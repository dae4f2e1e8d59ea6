-- Voters for whom a bound of the ledger's memory can matter: more than is needed, never fewer. An event
-- came more than once among more than 8 of a proposal, or in more than 64 proposals; two ids end
-- alike; or there are more than 5,000 casts. Rare: a cheap count first finds who can be concerned, for
-- an event that came twice ends as itself.
SELECT partition, voter
FROM (
    SELECT partition, voter, proposal, groupArray(event_id) AS ids
    FROM votes
    WHERE (
        -- include of_ballots
    ) AND (partition, voter) IN (
            SELECT partition, voter FROM votes
            WHERE (
                -- include of_ballots
            )
            GROUP BY partition, voter
            HAVING count() > uniqExact(reinterpretAsUInt32(substring(event_id, 13, 4)))
                OR count() > 5000)
    GROUP BY partition, voter, proposal
)
GROUP BY partition, voter
HAVING max(length(ids) > 8 AND length(ids) > length(arrayDistinct(ids)))
    OR max(length(arrayDistinct(ids)) > length(arrayDistinct(arrayMap(
        id -> substring(id, 13, 4), ids))))
    OR (count() > 64 AND sum(length(ids) - length(arrayDistinct(ids))) > 0)
    OR sum(length(ids)) > 5000
