"""What does the guard set aside, and why? Its page, JSON and CSV, from the log alone.

Enters: judgements, changes of rules, the results document. Leaves: numbers, never who.
`reader` follows the judgements; `document` is what is published, with its `tables` and the `page`
for people; `routes` has the addresses, `kept` the last batch of recounts, `door` what
gateways counted.
"""
