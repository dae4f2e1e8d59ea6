"""Nothing that decides is a float: two machines would judge differently."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from processors import guard


FILES = sorted(Path(guard.__file__).parent.glob("*.py"))
FLOATING = frozenset(("float", "math.log", "math.exp", "math.sqrt", "math.pow", "np.log",
                      "np.float64", "statistics.mean", "statistics.median"))


def floats(source: str) -> Iterator[str]:
    """Name what makes a float: a number with a point, a division, a function that gives one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield ast.unparse(node)
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield ast.unparse(node)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in FLOATING:
            yield ast.unparse(node)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_file_of_the_guard_computes_with_floats(path: Path) -> None:
    """Whole numbers and decimals alone."""
    assert list(floats(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("source", ["a / b", "a /= b", "2.5 * a", "math.log(a)", "float(a)"])
def test_a_float_is_found(source: str) -> None:
    """Wherever one could begin."""
    assert list(floats(source))


def test_what_is_whole_is_not_found() -> None:
    """Whole division, roots of whole numbers, decimals."""
    assert not list(floats("a // b; math.isqrt(c); context.ln(Decimal(d))"))
