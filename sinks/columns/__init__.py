"""What do the records of a topic say? Raw values in, Arrow columns out; pure.

Enters: a contiguous stretch of one topic partition. Leaves: the table that is inserted.
"""
