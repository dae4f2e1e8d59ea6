"""What people hand over as a Polis export, told from what it is taken for: text, table, numbers.

Enters: CSV files of any age, from any spreadsheet. Leaves: rows with their lines, instants, the
sign of an agreement, and a sentence for every assumption; or InvalidInput with file and line.
"""
