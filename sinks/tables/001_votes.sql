-- The ballot box, one row a record: the raw bytes and, beside them, what they say.
-- Only the view `votes` is read: it has one row per (topic, partition, offset), whatever a retried
-- insert or a zombie may have left here. The salt of an event stays in its raw bytes alone.
CREATE TABLE IF NOT EXISTS votes_log
(
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64,
    timestamp DateTime64(3, 'UTC') COMMENT 'Kafka timestamp',
    value Nullable(String) COMMENT 'the record as it lies in the log; null for a tombstone',
    kind Enum8('unknown' = 0, 'vote_cast' = 1, 'vote_withdrawn' = 2, 'qualification_added' = 3,
        'qualification_withdrawn' = 4, 'rules_adopted' = 5, 'voter_suspended' = 6,
        'voter_reinstated' = 7, 'consultation_closed' = 8,
        'consultation_sealed' = 9),
    event_id FixedString(16),
    voter FixedString(16) COMMENT 'zeros where the event names no voter',
    consultation LowCardinality(String),
    proposal LowCardinality(String),
    choice Enum8('none' = 0, 'agree' = 1, 'disagree' = 2, 'neutral' = 3),
    qualification Enum8('none' = 0, 'like_it' = 1, 'doable' = 2, 'platitude_agree' = 3,
        'no_way' = 4, 'impossible' = 5, 'platitude_disagree' = 6, 'do_not_understand' = 7,
        'no_opinion' = 8, 'do_not_care' = 9),
    trust Enum8('none' = 0, 'trusted' = 1, 'suspect' = 2),
    origin Enum8('none' = 0, 'web' = 1, 'widget' = 2, 'api' = 3, 'import' = 4, 'simulation' = 5,
        'operator' = 6),
    occurred_at DateTime64(3, 'UTC'),
    ledger_version UInt32 COMMENT 'of rules_adopted',
    reason String COMMENT 'of voter_suspended and voter_reinstated, in the words of the operator',
    fault String COMMENT 'why the record could not be decoded; empty where it could'
)
ENGINE = MergeTree
PARTITION BY (topic, partition)
ORDER BY (topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS votes AS
SELECT * FROM votes_log ORDER BY topic, partition, offset LIMIT 1 BY topic, partition, offset;
