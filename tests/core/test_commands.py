"""Commands are declared once; the help page is what the declarations say."""

from __future__ import annotations

import pytest

from plugin.core.command_page import PAGE, list_texts, main, make_page
from plugin.core.commands import COMMANDS, find_algorithm


def test_the_page_of_the_commands_is_as_the_declarations_say():
    told = "python -m plugin.core.command_page writes it anew"
    assert PAGE.read_text("utf-8") == make_page(), told


def test_the_page_names_every_command_by_all_of_its_names():
    page = make_page()
    names = [name for command in COMMANDS for name in (command.name, *command.aliases)]
    assert len(names) == len(set(names)) == 24
    assert all(f"`{name}`" in page for name in names)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_command_says_in_a_sentence_what_it_does(command):
    assert command.summary.endswith(".")
    assert "\n" not in command.summary


def test_an_algorithm_is_found_by_its_id():
    assert find_algorithm("finetune").title == "Fine-tune a footprint model"


def test_texts_for_translators_are_those_that_qgis_shows(tmp_path):
    main(["--texts", str(tmp_path / "texts.py")])
    lines = (tmp_path / "texts.py").read_text("utf-8").splitlines()
    assert len(lines) == len(set(lines)) == len(list_texts())
    assert "translate(\"Algorithms\", 'Held-out share')" in lines
