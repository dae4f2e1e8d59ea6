"""How does it run? The local stack without Docker, and later images, charts and dashboards.

Knows nothing of the other rooms: the composition root (`scrutin/`) says which processes to run.
"""
