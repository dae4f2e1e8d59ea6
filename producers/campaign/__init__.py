"""What would a campaign of a million viewers write? The #SolutionsJeunes campaign, by seed.

Enters: the published figures, a seed, a scale. Leaves: a plan (pure), its events in order of time
(pure), and a run that writes them to Kafka. Called by `scrutin simulate` and `scrutin demo`.
"""
