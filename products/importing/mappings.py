"""Where mappings come from: shipped ones by name, others by file, or the shipped one that fits the columns."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path

from products.importing.errors import CatalogueError
from products.importing.mapping import Mapping

SHIPPED = Path(__file__).parent / "shipped"


def shipped_names() -> list[str]:
    """Return the names of the mappings that come with the project."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def named(name: str) -> Mapping:
    """Return a shipped mapping by name, or the one declared in a TOML or JSON file. Raises CatalogueError."""
    if name in shipped_names():
        return _load(SHIPPED / f"{name}.toml")
    path = Path(name)
    if path.suffix in {".toml", ".json"}:
        return _load(path)
    raise CatalogueError(f"there is no mapping {name!r}: use {' or '.join(shipped_names())}, or a .toml or .json file")


def detect(columns: Sequence[str]) -> Mapping:
    """Return the shipped mapping whose columns the file has; the most demanding one if several fit."""
    fitting = [mapping for mapping in map(named, shipped_names()) if mapping.fits(columns)]
    if not fitting:
        raise CatalogueError(
            f"no shipped mapping ({', '.join(shipped_names())}) fits the columns {_listed(columns)}; "
            "declare one and pass it with --mapping FILE.toml"
        )
    return max(fitting, key=lambda mapping: len(mapping.required))


def check_fits(mapping: Mapping, columns: Sequence[str]) -> None:
    """Raise CatalogueError when the file lacks a column that the mapping reads."""
    if missing := sorted(mapping.required - set(columns)):
        raise CatalogueError(
            f"mapping {mapping.source} needs the columns {_listed(missing)}; the file has {_listed(columns)}"
        )


def _load(path: Path) -> Mapping:
    try:
        text = path.read_text(encoding="utf-8")
        table = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise CatalogueError(f"mapping {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise CatalogueError(f"mapping {path} cannot be read: {error}") from error
    return Mapping.from_table(table, str(path.name))


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in columns[:20]) or "none"
    return f"{shown}, ..." if len(columns) > 20 else shown
