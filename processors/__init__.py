"""What is decided? The pure ledger and its Faust worker, tallies, ideas, scores.

Enters: the votes, catalogue and participants topics. Leaves: decisions, tallies and results.
Called by the worker commands; its pure modules also by the sinks and the views.
"""
