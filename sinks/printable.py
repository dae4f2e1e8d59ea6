"""Words of others, made fit for a terminal. Pure."""


def printable(text: str) -> str:
    """Escape what is not printed: controls, line ends, marks that turn writing around."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode()
                   for one in text)
