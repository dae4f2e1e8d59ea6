-- Votes of the voters whom each finding of a consultation names, by hour of the finding's day in UTC,
-- and the first of each hour; up to a vector of votes offsets. Given are the offsets of records that
-- are no judgement.
WITH named AS (
    SELECT DISTINCT
        JSONExtractString(found, 'finding') AS finding,
        JSONExtractInt(found, 'day') AS day,
        arrayJoin(JSONExtract(found, 'voters', 'Array(String)')) AS name
    FROM (
        SELECT arrayJoin(JSONExtractArrayRaw(fields, 'findings')) AS found
        FROM patrol
        WHERE topic = {patrol:String} AND event = 'PatrolJudged'
            AND offset NOT IN {strays:Array(UInt64)}
    )
    WHERE JSONExtractString(found, 'consultation') = {consultation:String}
)
SELECT
    finding, toHour(occurred_at, 'UTC') AS hour, count() AS votes,
    min(toUnixTimestamp64Milli(occurred_at)) AS began_at
FROM (
    SELECT lower(hex(voter)) AS name, occurred_at
    FROM votes
    WHERE topic = {topic:String} AND consultation = {consultation:String} AND kind = 'vote_cast'
        AND offset <= {vector:Array(Int64)}[partition + 1]
) AS cast
INNER JOIN named USING name
WHERE toInt64(toDate(occurred_at, 'UTC')) = named.day
GROUP BY finding, hour
ORDER BY finding, hour
