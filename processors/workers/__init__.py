"""How does it run? Processes on Kafka and Faust around the pure folders.

`ledger_worker` writes the decisions and tallies topics, `ideas_worker` the results topic; all but
ideas are Faust in the `batch_lane`, whose `recoveries` begin again where they must. Of the ledger:
`deciding` says what may be decided, `decision_store` recovers, `snapshot_files` shorten that until
`sealings` delete them, taken at their `snapshot_turns`, put into `snapshot_places`, and by who
stands by `read_ahead` into `kept_snapshots`; `tally_flushes` are due, `progress` notices a stall.
`patrol_worker` writes judgements: `patrol_reading` gives it stretches of the log,
`patrol_suspending` writes what they ask for.
Of all: `batches` write, a `looker` looks single records up, `kafka_checks` before the start,
`membership` of the group after it; `provisioning` makes the topics.
"""
