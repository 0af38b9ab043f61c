"""The base of every management command: help that keeps its line breaks and ends with examples."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter


class _Formatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Django's order of options, the command's own first, and argparse's raw `help` and `epilog`."""


class HelpfulCommand(BaseCommand):
    """A command whose `--help` shows `help`, the options, and `epilog` (examples and notes) line by line."""

    epilog = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return the parser of this command's options."""
        return super().create_parser(
            prog_name, subcommand, **{"epilog": self.epilog, "formatter_class": _Formatter, **kwargs}
        )
