"""How is a Kafka that was lost filled again? What the archive keeps, held against what was signed.

Enters: the archive and the checkpoints of one topic generation. Leaves: its logs, in empty topics.
Called by `scrutin restore`. `parts` says what there is to write and what is lost, `filling` writes
it.
"""
