"""From tallies to results: the catalogue, scores, ideas, and the one document. Pure."""
