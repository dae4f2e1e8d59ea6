"""What can go wrong with a machine, each with its remedy.

Every message is meant for the person at the terminal: what happened, then what to do.
"""

from pathlib import Path


class MachineError(Exception):
    """Stand for any fault of a machine that a person can remedy."""


class FolderExposedError(MachineError):
    def __init__(self, folder: Path, mode: int, detail: str) -> None:
        super().__init__(
            f"Everybody on this machine may open the data folder {folder} (mode {mode:04o}), which "
            f"holds keys and who voted, and it cannot be closed from here ({detail}). Have its "
            "owner run `chmod 700` on it, or set SCRUTIN_DATA_DIR to another folder."
        )


class FolderHeldError(MachineError):
    def __init__(self, message: str, holder_pid: int | None) -> None:
        super().__init__(message)
        self.holder_pid = holder_pid
