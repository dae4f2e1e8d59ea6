"""How do the results look to people? Templates, catalogues of texts, typography, styles.

Enters: the results document and a language. Leaves: complete HTML, without script.
Called by `views.api`.
"""
