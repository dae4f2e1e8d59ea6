-- What a record has besides its value, so that it can be written to Kafka again as it lay there.
-- Only what differs is stored: a record of ours has neither key nor headers, except dead letters,
-- and a timestamp that `timestamp` holds. Rows of before say nothing of them.
-- Dead letters are kept as they are, in no column by what they say. So are participants'
-- descriptions, in a database of their own: whoever may read this one cannot read them.
ALTER TABLE votes_log
    ADD COLUMN IF NOT EXISTS key Nullable(String) COMMENT 'key of the record; null where it has none',
    ADD COLUMN IF NOT EXISTS header_names Array(String),
    ADD COLUMN IF NOT EXISTS header_values Array(Nullable(String)),
    ADD COLUMN IF NOT EXISTS timestamp_beyond Int64 DEFAULT 0
        COMMENT 'milliseconds of the Kafka timestamp outside of what timestamp can hold';

ALTER TABLE decisions_log
    ADD COLUMN IF NOT EXISTS key Nullable(String) COMMENT 'key of the record; null where it has none',
    ADD COLUMN IF NOT EXISTS header_names Array(String),
    ADD COLUMN IF NOT EXISTS header_values Array(Nullable(String)),
    ADD COLUMN IF NOT EXISTS timestamp_beyond Int64 DEFAULT 0
        COMMENT 'milliseconds of the Kafka timestamp outside of what timestamp can hold';

ALTER TABLE catalogue_log
    ADD COLUMN IF NOT EXISTS key Nullable(String) COMMENT 'key of the record; null where it has none',
    ADD COLUMN IF NOT EXISTS header_names Array(String),
    ADD COLUMN IF NOT EXISTS header_values Array(Nullable(String)),
    ADD COLUMN IF NOT EXISTS timestamp_beyond Int64 DEFAULT 0
        COMMENT 'milliseconds of the Kafka timestamp outside of what timestamp can hold';

ALTER TABLE sequences_log
    ADD COLUMN IF NOT EXISTS key Nullable(String) COMMENT 'key of the record; null where it has none',
    ADD COLUMN IF NOT EXISTS header_names Array(String),
    ADD COLUMN IF NOT EXISTS header_values Array(Nullable(String)),
    ADD COLUMN IF NOT EXISTS timestamp_beyond Int64 DEFAULT 0
        COMMENT 'milliseconds of the Kafka timestamp outside of what timestamp can hold';

ALTER TABLE patrol_log
    ADD COLUMN IF NOT EXISTS key Nullable(String) COMMENT 'key of the record; null where it has none',
    ADD COLUMN IF NOT EXISTS header_names Array(String),
    ADD COLUMN IF NOT EXISTS header_values Array(Nullable(String)),
    ADD COLUMN IF NOT EXISTS timestamp_beyond Int64 DEFAULT 0
        COMMENT 'milliseconds of the Kafka timestamp outside of what timestamp can hold';

CREATE TABLE IF NOT EXISTS dead_letters_log
(
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64,
    timestamp DateTime64(3, 'UTC') COMMENT 'Kafka timestamp',
    value Nullable(String) COMMENT 'the record as it lies in the log',
    key Nullable(String) COMMENT 'key of the record; null where it has none',
    header_names Array(String),
    header_values Array(Nullable(String)),
    timestamp_beyond Int64 DEFAULT 0
        COMMENT 'milliseconds of the Kafka timestamp outside of what timestamp can hold'
)
ENGINE = MergeTree
PARTITION BY (topic, partition)
ORDER BY (topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE DATABASE IF NOT EXISTS {participants:Identifier};

CREATE TABLE IF NOT EXISTS {participants:Identifier}.participants_log
(
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64,
    timestamp DateTime64(3, 'UTC') COMMENT 'Kafka timestamp',
    value Nullable(String) COMMENT 'the record as it lies in the log',
    key Nullable(String) COMMENT 'key of the record; null where it has none',
    header_names Array(String),
    header_values Array(Nullable(String)),
    timestamp_beyond Int64 DEFAULT 0
        COMMENT 'milliseconds of the Kafka timestamp outside of what timestamp can hold'
)
ENGINE = MergeTree
PARTITION BY (topic, partition)
ORDER BY (topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000;
