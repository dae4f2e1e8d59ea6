"""How does scrutin run on one machine? Real Kafka, ClickHouse's engine and a supervisor.

In come a data folder, ports and process specifications; out come running processes with their
addresses and logs. Called by `scrutin up`, the demo and the tests; see `services` and `supervisor`.
"""
