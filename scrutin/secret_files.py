"""Secrets in files that the environment names, for `scrutin.settings` alone."""

import os
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from schemas.kafka_access import SecretUnreadable, read_secret


PREFIX = "SCRUTIN_"


class SecretFiles(PydanticBaseSettingsSource):
    """Settings whose secret lies in a file that the environment names.

    Raises SecretUnreadable, also where a secret is given in both ways.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = None if field.repr else secret_path(field_name)
        if path is None:
            return None, field_name, False
        if PREFIX + field_name.upper() in os.environ:
            name = PREFIX + field_name.upper()
            raise SecretUnreadable(f"{name} and {name}_FILE are both set: leave one out.")
        return read_secret(path), field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(field, name)[0]
                 for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


def secret_path(name: str) -> Path | None:
    """Return the file that holds the value of a setting; None where the environment names none."""
    path = os.environ.get(f"{PREFIX}{name.upper()}_FILE")
    return Path(path) if path else None
