-- What the patrol judged, when, by which rules: the patrol topic, one row a record, fields as JSON.
-- A record of it has the columns of any other that is read one by one: those of the catalogue.
CREATE TABLE IF NOT EXISTS patrol_log AS catalogue_log;

CREATE VIEW IF NOT EXISTS patrol AS
SELECT * FROM patrol_log ORDER BY topic, partition, offset LIMIT 1 BY topic, partition, offset;
