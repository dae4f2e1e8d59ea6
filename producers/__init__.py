"""Who writes events? Simulator, importers, operators.

Enters: campaigns, files, commands. Leaves: events in the votes, catalogue and participants topics.
Called by the commands of `scrutin`.
"""
