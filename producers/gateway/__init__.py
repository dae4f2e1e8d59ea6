"""How do people vote? The gateway: HTTP in, events out, a receipt for each.

Enters: requests of browsers and programs. Leaves: events in the votes, participants, sequences
and networks topics, and an answer only after the broker has acknowledged them; where gateways
share limits, counts of networks in Redis. Called by
`scrutin gateway`.
"""
