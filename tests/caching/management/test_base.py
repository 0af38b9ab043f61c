"""What `--help` shows for each command of the project."""

from __future__ import annotations

from importlib import import_module
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import find_commands, load_command_class
from django.core.management.base import CommandParser

from caching.management.base import HelpfulCommand

OUR_COMMANDS = [
    (app, name)
    for app in ("caching", "products", "offers")
    for name in find_commands(f"{import_module(app).__path__[0]}/management")
]


class Greet(HelpfulCommand):
    help = "Greet somebody.\nOr nobody."
    epilog = "examples:\n  manage.py greet Anna     one\n  manage.py greet          nobody\n"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--loudly", action="store_true", help="Shout.")


def help_of(command: HelpfulCommand) -> str:
    out = StringIO()
    command.create_parser("manage.py", "greet").print_help(out)
    return out.getvalue()


def test_help_and_examples_keep_their_line_breaks() -> None:
    text = help_of(Greet())
    assert "\nGreet somebody.\nOr nobody.\n" in text
    assert text.endswith(Greet.epilog)


def test_options_of_the_command_come_before_those_of_django() -> None:
    text = help_of(Greet())
    assert text.index("--loudly") < text.index("--verbosity")


@pytest.mark.parametrize(("app", "name"), OUR_COMMANDS)
def test_every_command_says_what_it_does_and_gives_examples(app: str, name: str) -> None:
    command = load_command_class(apps.get_app_config(app).name, name)
    assert isinstance(command, HelpfulCommand)
    text = help_of(command)
    assert command.help in text
    assert f"manage.py {name}" in text[text.index("examples:") :]
    assert all(len(line) <= 120 for line in (command.help + command.epilog).splitlines())
