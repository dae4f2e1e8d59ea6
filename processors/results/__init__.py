"""What follows from the tallies? The one document that CLI, API and recounts share. Pure.

`catalogue` says what is voted on, `partition_tallies` what a partition's last flush said, `ideas`
adds them up and pools proposals, `scores` has every formula, `ranks` keeps ranks while votes move,
`routes` tells drawn votes from others, `wordings` what changed of words, `descriptions` who took
part, `results_document` arranges all of it. `published_records`, `scored_records`, `rankings` and
`vectors` are how a publication lies in the topic of results.
"""
