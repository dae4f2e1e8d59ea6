"""What the gateway is handed by the composition root, for the pages know it: words and results."""

from typing import Protocol


class Speech(Protocol):
    """Chooses a language and speaks it: what the pages do, handed in by the composition root."""

    cookie: str
    """Name of the cookie that holds a chosen language."""

    def language(
        self, asked: str | None, remembered: str | None, accepted: str | None
    ) -> str: ...

    def translate(self, language: str, text: str) -> str: ...


class Results(Protocol):
    """What everybody votes, as the pages know it."""

    async def after(
        self, consultation: str, proposal: str, partition: int, offset: int
    ) -> bytes:
        """Say as JSON (`models.Shares`) how it is a moment after an act at a place of the log."""
