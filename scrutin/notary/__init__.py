"""The notary of results, and its keys in the catalogue."""
