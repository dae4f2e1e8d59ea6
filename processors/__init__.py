"""What is decided? Each vote by the ledger; the results by what all ledgers counted.

Enters: the votes, catalogue, participants and networks topics. Leaves: decisions, tallies, results.
Called by the worker commands; its pure folders also by the sinks and the views.

`ledger`: the count of one partition. `results`: from tallies to the one document. `guard`: which
voters look like machines. All are pure.
`workers`: the processes around them, with all of Kafka, Faust and files.
`results.schema.json`: what the document looks like, for whoever reads it.
"""
