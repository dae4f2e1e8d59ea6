"""Finds what can wait in a source: every await, and every call that holds its thread.

A wait is bounded by itself where it stands within `asyncio.timeout`, or names its own bound. One
for work of ours is no wait of its own: what that waits for is found where it is written. What is
left must be named by whoever looks.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


HOLDS_A_THREAD = {
    "wait": 0, "communicate": 0, "join": 0, "get": 0, "acquire": 0, "result": 0, "recv": 0,
    "accept": 0, "shutdown": 0, "input": 0, "flock": 0, "lockf": 0, "waitpid": 0, "urlopen": 0,
    "select": 0, "getaddrinfo": 0, "create_connection": 0,
}
"""Calls that may hold their thread: `get` and the like of a queue, a lock, a process, a socket."""
_WITHOUT_ARGUMENTS = {"join", "get", "result", "accept", "acquire"}
"""Of these only calls without arguments wait: others are of texts, dictionaries, futures."""
_SUBPROCESS = {"run", "call", "check_call", "check_output"}
_BOUNDS = {"timeout", "timeout_ms", "seconds", "blocking"}
"""Arguments that bound a call."""
_PRIMITIVES = {"wait", "get", "join", "put", "acquire", "communicate"}
"""Methods of locks, queues and processes: never taken for ours, whoever has one of the name."""
_OF_LIBRARIES = {"consumer", "producer", "admin", "redis", "connection_pool", "session"}
"""What objects of libraries are called here, in whatever is before the last dot."""


@dataclass(frozen=True)
class Wait:
    """A place where something is waited for, without a bound that can be seen there."""

    place: str
    """File and function."""
    what: str
    """The expression, as it is written."""
    call: str
    """Name of what is called; empty for a plain future or task."""


class Sources:
    """Python files, read once."""

    def __init__(self, root: Path, rooms: Iterable[str]) -> None:
        self.trees = {
            path.relative_to(root).as_posix(): ast.parse(path.read_text("utf-8"))
            for room in rooms for path in sorted((root / room).rglob("*.py"))}
        nodes = [node for tree in self.trees.values() for node in ast.walk(tree)]
        self._functions = {
            node.name for node in nodes if isinstance(node, ast.AsyncFunctionDef)}
        self._modules = {Path(path).stem for path in self.trees}
        self._classes = {node.name for node in nodes if isinstance(node, ast.ClassDef)}

    def waits(self) -> list[Wait]:
        """List every wait of every file that is neither bounded by itself nor for ours."""
        return [wait for path, tree in self.trees.items()
                for wait in self._within(tree, path, path, bounded=False)]

    def waits_of(self, text: str) -> list[Wait]:
        """List those of another source, as if it were one of the files."""
        return list(self._within(ast.parse(text), "planted.py", "planted.py", bounded=False))

    def _within(
        self, node: ast.AST, path: str, place: str, *, bounded: bool
    ) -> Iterator[Wait]:
        for child in ast.iter_child_nodes(node):
            inner, is_bounded = place, bounded
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = f"{place}{':' if place == path else '.'}{child.name}"
                is_bounded = False  # It runs when it is called, not where it is written.
            if isinstance(child, ast.AsyncWith):
                is_bounded = bounded or any(
                    _text(item.context_expr).startswith("asyncio.timeout(")
                    for item in child.items)
            if isinstance(child, ast.Await) and _is_bounded(child.value):
                is_bounded = True  # What it is for, too: asyncio.wait_for(event.wait(), seconds).
            for expression in _waited_for(child):
                if not (is_bounded or _is_bounded(expression) or self._is_ours(expression)):
                    yield Wait(inner, _text(expression), _called(expression))
            if _holds(child) and not _is_bounded(child) and not _is_told_of(node):
                yield Wait(inner, _text(child), _called(child))
            yield from self._within(child, path, inner, bounded=is_bounded)

    def _is_ours(self, expression: ast.expr) -> bool:
        if not isinstance(expression, ast.Call):
            return False
        name, on = _called(expression), _on(expression)
        if name in self._classes:
            return True
        if name in _PRIMITIVES:
            return name in self._functions and on in {"", "self", *self._modules}
        return name in self._functions and on.rpartition(".")[2].strip("_") not in _OF_LIBRARIES


def _waited_for(node: ast.AST) -> list[Any]:
    if isinstance(node, ast.Await):
        return [node.value]
    if isinstance(node, ast.AsyncFor):
        return [node.iter]
    if isinstance(node, ast.comprehension) and node.is_async:
        return [node.iter]
    if isinstance(node, ast.AsyncWith):
        return [item.context_expr for item in node.items
                if not _text(item.context_expr).startswith("asyncio.timeout")]
    return []


def _holds(node: ast.AST) -> bool:
    """Whether a node is a call that may hold its thread."""
    if not isinstance(node, ast.Call):
        return False
    name = _called(node)
    if name in _SUBPROCESS:
        return _on(node) == "subprocess"
    return name in HOLDS_A_THREAD and not (name in _WITHOUT_ARGUMENTS and node.args)


def _is_told_of(node: ast.AST) -> bool:
    """Whether what is called within a node is a coroutine that is waited for by it."""
    return isinstance(node, ast.Await) or (
        isinstance(node, ast.Call) and _text(node.func) == "asyncio.wait_for")


def _is_bounded(node: Any) -> bool:
    """Whether a call names a bound of its own."""
    if not isinstance(node, ast.Call):
        return False
    if _text(node.func) in {"asyncio.sleep", "asyncio.wait_for"}:
        return True
    if "LOCK_NB" in _text(node):
        return True  # It asks, and does not wait.
    named = {keyword.arg for keyword in node.keywords if _text(keyword.value) != "None"}
    by_place = isinstance(node.func, ast.Attribute) and node.func.attr == "wait" and (
        bool(node.args) and _on(node) != "asyncio")
    return bool(named & _BOUNDS) or by_place


def _called(node: Any) -> str:
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _on(call: ast.Call) -> str:
    return _text(call.func.value) if isinstance(call.func, ast.Attribute) else ""


def _text(node: ast.AST) -> str:
    return ast.unparse(node)
