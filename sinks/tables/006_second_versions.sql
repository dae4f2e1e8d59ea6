-- What events and decisions of version 2 say besides. Rows of before read as their decoders read
-- records of version 1: nobody can tell the route, the pause and the wording.
-- The views are made anew, for a view has the columns of the day it was made.
ALTER TABLE votes_log
    ADD COLUMN IF NOT EXISTS shown Enum8('unknown' = 0, 'served' = 1, 'asked' = 2) DEFAULT 'unknown'
        COMMENT 'first route on which the device reached the proposal',
    ADD COLUMN IF NOT EXISTS pause UInt8 DEFAULT 15
        COMMENT 'step between view and act: 15 steps of time, 15 unknown',
    ADD COLUMN IF NOT EXISTS via UInt16 DEFAULT 0 COMMENT 'number of a partner, 0 none',
    ADD COLUMN IF NOT EXISTS wording Int64 DEFAULT -1
        COMMENT 'catalogue offset of the text shown, -1 unknown',
    ADD COLUMN IF NOT EXISTS cause UInt8 DEFAULT 0
        COMMENT 'of voter_suspended: 0 an operator, n rule n of the guard',
    ADD COLUMN IF NOT EXISTS finding FixedString(16)
        COMMENT 'of voter_suspended; zeros where it names none';

ALTER TABLE decisions_log
    ADD COLUMN IF NOT EXISTS routes Array(Enum8('unknown' = 0, 'none' = 1, 'drawn' = 2,
        'asked' = 3)) DEFAULT arrayMap(proposal -> 'unknown', proposals)
        COMMENT 'route of each change after the event, place by place',
    ADD COLUMN IF NOT EXISTS refusal Enum8('none' = 0, 'unsigned' = 1, 'stale' = 2, 'immune' = 3)
        DEFAULT 'none' COMMENT 'why rules 2 refused, where reason is none';

CREATE OR REPLACE VIEW votes AS
SELECT * FROM votes_log ORDER BY topic, partition, offset LIMIT 1 BY topic, partition, offset;

CREATE OR REPLACE VIEW decisions AS
SELECT * FROM decisions_log ORDER BY topic, partition, offset LIMIT 1 BY topic, partition, offset;
