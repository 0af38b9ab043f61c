"""docs/configuration.md lists every variable that the settings read, with its default."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from marketplace.settings.security import SAMPLE_SECRET_KEY

ROOT = Path(__file__).resolve().parents[3]
# Read by prometheus_client, not by the settings.
ELSEWHERE = {"PROMETHEUS_MULTIPROC_DIR"}


def variables() -> Iterator[tuple[str, object]]:
    """Yield every variable that the settings read, with its default if that is a plain value."""
    for file in (ROOT / "marketplace" / "settings").glob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and _reads(call) and isinstance(call.args[0], ast.Constant):
                yield str(call.args[0].value), _default(call)


def _reads(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Name(id="env")):
            return bool(call.args)
        case ast.Name(id="required" | "_rate" | "number"):
            return True
    return False


def _default(call: ast.Call) -> object:
    if isinstance(call.func, ast.Name) and call.func.id == "required":
        return "required"
    given = [keyword.value for keyword in call.keywords if keyword.arg == "default"] or call.args[1:]
    return given[0].value if given and isinstance(given[0], ast.Constant) else None


def documented() -> dict[str, str]:
    rows = re.findall(
        r"^\| `([A-Z_]+)` \| ([^|]+) \| \S", (ROOT / "docs" / "configuration.md").read_text(), re.MULTILINE
    )
    assert len(rows) == len(dict(rows))
    return dict(rows)


def test_every_variable_is_documented_and_no_other() -> None:
    assert set(documented()) == {name for name, _ in variables()} | ELSEWHERE


def test_the_documented_defaults_are_true() -> None:
    given = documented()
    plain = {name: default for name, default in variables() if default not in (None, "")}

    assert plain
    for name, default in plain.items():
        words = str(default).lower() if isinstance(default, bool) else str(default)
        assert words in given[name], name


def test_the_example_names_known_variables_and_holds_the_refused_key() -> None:
    example = dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    composed = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))

    assert set(example) <= set(documented()) | composed
    assert example["DJANGO_SECRET_KEY"] == SAMPLE_SECRET_KEY
