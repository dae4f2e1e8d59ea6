"""Where is it kept, and is it true? ClickHouse archive, transparency logs, recounts.

Enters: votes, decisions and the catalogue. Leaves: the immutable log and verdicts on the results.
Called by `scrutin archive`, `scrutin notary`, `scrutin audit` and `scrutin receipt`.
"""
