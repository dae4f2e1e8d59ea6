"""Can the log be rewritten unseen? Merkle trees over the log's records, their heads signed.

Enters: the records of votes and catalogue, in the order of their offsets. Leaves: tiles, entry
bundles and signed checkpoints (C2SP tlog-tiles), and proofs that anybody checks offline. Called by
`scrutin notary`, which writes them, by the views, which serve them, and by `scrutin receipt`.
"""
