"""How is one partition counted? Its records in, one decision for each out. Pure.

`ledger` decides and folds, by `rules`: `rules_1`, `rules_2`, with `controls_1` and `controls_2` for
what is no vote, `adoptions` of rules and `control_keys`; what suspensions come to is in
`schemas/findings`, for who writes them asks the same. What no
table decides (elsewhere, repeated, late, one too many) is `unusual`.
What it remembers is its `state`: `rows` of bytes for a voter and a proposal, in them a `standing`;
`settling` is the one way to change it. `snapshots` are the state as bytes.
Bytes: `layout` is their map, `decisions` are read and written, `chain` has each commit to all
before, `tally_records` carry the counts away.
When it must not go on: `alarms`, `undecodable_share`.
"""
