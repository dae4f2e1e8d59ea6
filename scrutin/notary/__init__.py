"""The notary of results, its keys in the catalogue, and the clerk, who closes at the date."""
