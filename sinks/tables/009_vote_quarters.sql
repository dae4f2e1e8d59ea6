-- Votes cast by consultation and quarter of an hour, of each block of offsets that is full: what is
-- counted once of a log that never changes. A block that is counted again gives the same rows, and
-- they take the place of those before: read it with FINAL. Every full block has rows, some of none.
CREATE TABLE IF NOT EXISTS vote_quarters
(
    topic LowCardinality(String),
    partition UInt32,
    first UInt64 COMMENT 'first offset of the block; its size never changes in this table',
    consultation LowCardinality(String),
    quarter Int64 COMMENT 'number of the quarter of an hour since 1970 in UTC',
    votes UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, partition, first, consultation, quarter);
