"""A consultation in one file, for whoever wants to repeat the count far from the archive.

Enters: the archive, the transparency logs, a signed result. Leaves: a bundle; and a verdict on one,
made offline by pure modules. Called by `scrutin audit export` and `scrutin audit verify`.
"""
