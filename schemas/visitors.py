"""What visitors send beside a body, read the same way in every room: cookies, and the query.

Theory of operation: these bytes are anybody's, and are read on the loop that takes votes. Readers
made for everything do more than we ask: Python's own unquotes cookies, in a time that grows with
the square of their length before 3.11.10. Here each byte is looked at a fixed number of times,
and nothing is taken for an error but too much.
"""

from urllib.parse import parse_qsl


EMBEDDED = "SameSite=None; Secure; Partitioned"
"""Of cookies that are sent within pages of any site, and of each such site its own (CHIPS): what a
browser holds for one is sent from no other, nor from our own pages. Secure also on this very
machine: browsers take it there without TLS, and anywhere else refuse it."""


class TooManyFields(ValueError):
    """A query or form has more fields than anything of ours takes."""


class Query(dict[str, str]):
    """The fields of a query by name; of a name that stands twice the last, without a value empty.
    """


def cookie(header: str, name: str) -> str | None:
    """Return a cookie as it was sent, of two of a name the first: that of the longer path."""
    wanted = name + "="
    at = header.find(wanted)
    if at < 0:
        return None
    if at == 0 or header.startswith("; ", at - 2):  # As browsers write it.
        end = header.find(";", at)
        return header[at + len(wanted):None if end < 0 else end].rstrip()
    for part in header.split(";"):
        found = part.strip()
        if found.startswith(wanted):
            return found[len(wanted):]
    return None


def query(raw: bytes, fields_most: int) -> Query:
    """Read a query, or a form written like one; raise TooManyFields.

    Bytes that are no UTF-8 become U+FFFD: what they name is not there.
    """
    if raw.count(b"&") >= fields_most:
        raise TooManyFields(f"more than {fields_most} fields")
    text = raw.decode("latin-1")
    if "%" in text or "+" in text:
        return Query(parse_qsl(text, keep_blank_values=True))
    # As the booth's script writes it: nothing is to be decoded.
    return Query(each.partition("=")[::2] for each in text.split("&") if each)
