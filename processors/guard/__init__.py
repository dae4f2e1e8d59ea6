"""Which voters look like machines? What was cast, where it came from, findings out. Pure.

`inputs` are what is read and up to where, `judging` folds it and looks, `judgements` are its
records, and `repeating` holds records against what is judged again, after a fortnight by
`votes_alone`. What it remembers is its `state`: a `day` of each consultation, in it a `window` of
the last minutes, the `blocks` of its networks and the `work` that the door asked for, and `known`
voters of earlier days; above its bounds a sample (`sampling`). Of a first vote it keeps `flags`.
Rules with their `parameters`: `crowds` in one network or in many alike, `rings` of keen voters,
`hurried` voters, `partners`; `reports` and `leaning` networks only tell. What chance explains is in
`chances`, `marks` are what crowds do not bear: `looking` asks for them, by `counts` of who came to
groups that are `watched`. `findings` are groups that were found, `challenges` what the door is
asked for them; whom they set `aside`, a voter is told of themselves. Who reads the records takes
them as `recorded`; `published` counts them for everybody, and `rule_changes` tells what rules were
changed.
"""
