"""What follows from the tallies? The one document that CLI, API and recounts share. Pure.

`catalogue` says what is voted on, `ideas` adds the partitions up and pools proposals, `scores` has
every formula, `routes` tells drawn votes from others, `results_document` arranges all of it.
`published_records`, `scored_records` and `vectors` are how a publication lies in its topic.
"""
