"""What is said of settings that cannot be taken."""

from collections.abc import Iterator

from pydantic import ValidationError

from scrutin.secret_files import PREFIX
from scrutin.settings import Settings, is_shown


def refusals(error: ValidationError) -> Iterator[tuple[str, str, str]]:
    """Yield the variable, the value and the reason of each setting that was refused.

    The value is empty where it may hold a secret: an address with a user or a question, too.
    """
    for fault in error.errors():
        name, value = "_".join(map(str, fault["loc"])), repr(fault["input"])
        is_secret = not is_shown(name) or "@" in value or ("//" in value and "?" in value)
        said = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "string_pattern_mismatch":  # A pattern helps few people.
            said = f"cannot be taken. It says: {Settings.model_fields[name].description}"
        yield PREFIX + name.upper(), "" if is_secret else value, said
