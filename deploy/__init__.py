"""How does it run? The local stack without Docker, images; later charts and dashboards.

Enters: which processes to run, told by the composition root (`scrutin`). Leaves: processes that
start in order, stay up and end in order. Called by `scrutin up`, `down` and `status`; imports no
other room.
"""
