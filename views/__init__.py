"""Who looks? Results API and public pages.

Enters: the results and catalogue topics. Leaves: one results document, as JSON and as pages.
Called by `scrutin views`.
"""
