"""Where is it kept, and is it true? ClickHouse archive, transparency logs, recounts.

Enters: votes, decisions and the catalogue. Leaves: the immutable log and verdicts on the results.
Called by `scrutin archive`, `scrutin notary`, `scrutin audit` and `scrutin receipt`.

`archive` keeps every record: `kafka` reads, a `lane` a partition gathers, `columns` decode,
`writing` stores each once by `stretches`, into the `store` whose tables `migrations` make of the
SQL in `tables`, `kept` reads it back for Kafka, a `gauge` counts what is there, block by block;
`logs` says what is archived, `faults` why it ends, `days` what it knows of days, `door` what
gateways counted at theirs. Who compares with it waits while it is `catching_up`.
`recount`: computed again from the archive. `transparency`: trees over the log, signed. `bundle`: a
consultation in one file, verified offline. `ballots` reads a record as the ledger does;
`addresses` and `printable` take care of what others wrote; `rights` says who may do what.
"""
