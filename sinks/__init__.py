"""Where is it kept, and is it true? ClickHouse archive and recounts.

Enters: votes, decisions and the catalogue. Leaves: the immutable log and verdicts on the results.
Called by `scrutin archive` and `scrutin audit`.
"""
