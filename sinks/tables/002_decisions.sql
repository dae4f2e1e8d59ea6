-- What the ledger made of each record of the ballot box, one row a record of the decisions topic.
-- `proposals`, `before` and `after` are the changes, place by place. A standing is packed in one
-- number: 0 no live vote, else bits 0-1 the choice plus one (agree 1, disagree 2, neutral 3), bits
-- 2-4 the qualifications of that choice in schema order, bit 5 suspect, bit 6 voter suspended.
CREATE TABLE IF NOT EXISTS decisions_log
(
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64,
    timestamp DateTime64(3, 'UTC') COMMENT 'Kafka timestamp',
    value Nullable(String) COMMENT 'the record as it lies in the log',
    source_offset UInt64 COMMENT 'offset of the record decided, in the votes partition',
    chain FixedString(16),
    event_id FixedString(16),
    voter FixedString(16),
    kind Enum8('unknown' = 0, 'vote_cast' = 1, 'vote_withdrawn' = 2, 'qualification_added' = 3,
        'qualification_withdrawn' = 4, 'rules_adopted' = 5, 'voter_suspended' = 6,
        'voter_reinstated' = 7, 'consultation_closed' = 8,
        'consultation_sealed' = 9),
    outcome Enum8('counted' = 0, 'changed' = 1, 'withdrawn' = 2, 'unchanged' = 3, 'repeated' = 4,
        'proven' = 5, 'qualified' = 6, 'unqualified' = 7, 'suspended' = 8, 'reinstated' = 9,
        'adopted' = 10, 'closed' = 11, 'late' = 12, 'refused' = 13, 'sealed' = 14),
    reason Enum8('none' = 0, 'undecodable' = 1, 'misplaced' = 2, 'unproven_change' = 3,
        'too_many' = 4, 'wrong_choice' = 5, 'no_vote' = 6),
    ledger_version UInt32,
    consultation LowCardinality(String),
    proposals Array(LowCardinality(String)),
    before Array(UInt8),
    after Array(UInt8),
    fault String COMMENT 'why the record could not be decoded; empty where it could'
)
ENGINE = MergeTree
PARTITION BY (topic, partition)
ORDER BY (topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE VIEW IF NOT EXISTS decisions AS
SELECT * FROM decisions_log ORDER BY topic, partition, offset LIMIT 1 BY topic, partition, offset;
