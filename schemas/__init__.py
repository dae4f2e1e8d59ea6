"""What does an event look like, and can old ones still be read?

Enters: field values, or the bytes of a record. Leaves: bytes in Confluent wire format, or field
values. Called by every other room; imports none of them. Here too is what all of them share that
is nobody's own: names of topics and keys, and how secret files are read and made.
"""
