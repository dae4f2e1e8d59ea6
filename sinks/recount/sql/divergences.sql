-- Where the SQL recount may differ from the ledger without either being wrong: the ledger remembers
-- the last 8 event ids of a voter and proposal, by their last 8 bytes, and refuses a live vote past
-- 5,000 in a consultation; ballots.sql knows every id whole and no such limit.
-- All three are rare: each part first finds by a cheap count who can be concerned at all, and looks
-- at the events of these alone.
WITH
    ballots AS (
        SELECT partition, offset, voter, proposal, kind, event_id
        FROM votes
        WHERE topic = {topic:String} AND consultation = {consultation:String}
            AND kind IN ('vote_cast', 'vote_withdrawn', 'qualification_added',
                'qualification_withdrawn')
            AND offset <= {vector:Array(Int64)}[partition + 1]
    ),
    held AS (
        SELECT
            partition, proposal,
            arraySort(groupArray((offset, event_id))) AS events,
            arrayEnumerateUniq(events.2) AS occurrences,
            arrayCumSum(occurrence -> occurrence = 1, occurrences) AS distinct_ids
        FROM ballots
        WHERE (partition, voter, proposal) IN (
                SELECT partition, voter, proposal FROM ballots
                GROUP BY partition, voter, proposal HAVING count() > 8)
            AND offset < {closed_at:Array(UInt64)}[partition + 1]
        GROUP BY partition, voter, proposal
        HAVING count() > 8
    )
SELECT 'redelivered after 8 others' AS why, partition, arrayJoin(arrayFilter(
    (offset, id, occurrence, number) ->
        occurrence > 1 AND number - distinct_ids[indexOf(events.2, id)] >= 8,
    events.1, events.2, occurrences, distinct_ids)) AS offset, proposal
FROM held
UNION ALL
SELECT 'event id ends like another', partition, max(offset), proposal
FROM ballots
-- As many different ends as there are ids, over everybody: then no two ids end alike.
WHERE (SELECT uniqExact(event_id) > uniqExact(reinterpretAsUInt64(substring(event_id, 9, 8)))
    FROM ballots)
GROUP BY partition, voter, proposal, substring(event_id, 9, 8)
HAVING min(event_id) != max(event_id)
UNION ALL
SELECT 'voter of more than 5,000 proposals', partition, max(offset), any(proposal)
FROM ballots
WHERE kind = 'vote_cast' AND (partition, voter) IN (
    SELECT partition, voter FROM ballots WHERE kind = 'vote_cast'
    GROUP BY partition, voter HAVING count() > 5000)
GROUP BY partition, voter
HAVING uniqExact(proposal) > 5000
