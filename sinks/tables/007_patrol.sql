-- What the patrol judged, when, by which rules: the patrol topic, one row a record, fields as JSON.
CREATE TABLE IF NOT EXISTS patrol_log
(
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64,
    timestamp DateTime64(3, 'UTC') COMMENT 'Kafka timestamp',
    value Nullable(String) COMMENT 'the record as it lies in the log',
    event LowCardinality(String) COMMENT 'name of the event; empty where it could not be decoded',
    event_id FixedString(16),
    consultation LowCardinality(String),
    fields String COMMENT 'the fields as JSON, identifiers in hexadecimal',
    fault String COMMENT 'why the record could not be decoded; empty where it could'
)
ENGINE = MergeTree
PARTITION BY (topic, partition)
ORDER BY (topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS patrol AS
SELECT * FROM patrol_log ORDER BY topic, partition, offset LIMIT 1 BY topic, partition, offset;
