"""The demo: one command runs a whole campaign on real parts and checks every published figure.

Enters: nothing but this project. Leaves: live counters, results, verdicts, and where time went.
Called by `scrutin demo`.
"""
