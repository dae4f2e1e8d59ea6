-- Who writes the archive of a topic generation: the newest row owns it, all others must end.
CREATE TABLE IF NOT EXISTS archivers
(
    topic_prefix LowCardinality(String),
    generation UInt64 COMMENT 'one more than the greatest before',
    archiver UUID,
    began_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (topic_prefix, generation);
