"""The operators' page: is everything running, how far behind is it, was the last recount equal?

Enters: the /metrics of every process, the ends of the logs, the published results, the verdicts of
recounts. Leaves: `/ops`, and the figures of the views at `/metrics`. No share of a proposal enters
or leaves, so that an embargo holds here too.
"""
