"""JSON as the views send it."""

import json
from typing import Any


def encode_json(value: Any) -> bytes:
    """Write JSON: UTF-8, no padding."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
