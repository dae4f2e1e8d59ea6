"""Is a published result true? Independent recounts from the archive, compared to the unit.

Enters: a published results document and the archive. Leaves: a verdict, check by check.
Called by `scrutin audit recount`.
"""
