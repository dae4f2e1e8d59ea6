"""How do several processes of a kind take requests at one port? One supervisor and its workers.

What the supervisor does when one ends is decided in `restarts`, what they say together in `sums`,
both pure. `supervisor` starts, asks and ends them; `place` is a worker's side of it.
"""
