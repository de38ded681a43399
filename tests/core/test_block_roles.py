"""What ground is for, and how a job says that blocks were changed."""

import pytest

from plugin.core.block_roles import BLOCK_ROLES, find_next_role, read_block_roles, write_block_roles
from plugin.core.errors import InputError


def test_changes_are_written_as_they_are_read():
    changes = {12: "held-out", 3: "left-out", 100: "training", 7: "validation"}
    assert write_block_roles(changes) == ("3=left-out", "7=validation", "12=held-out", "100=training")
    assert read_block_roles(write_block_roles(changes)) == changes
    assert read_block_roles(()) == {}


@pytest.mark.parametrize("text", ["12=Held out", " 12 = held_out ", "12=HELD-OUT"])
def test_a_change_is_understood_however_a_person_writes_it(text):
    assert read_block_roles([text]) == {12: "held-out"}


@pytest.mark.parametrize("text", ["", "12", "held-out", "12=", "=held-out", "12=test", "-1=training", "1.5=training"])
def test_any_other_text_is_refused_with_the_roles_that_there_are(text):
    with pytest.raises(InputError) as caught:
        read_block_roles([text])
    assert f'not "{text}"' in caught.value.message
    assert all(role in caught.value.hint for role in BLOCK_ROLES)


def test_a_block_that_is_changed_twice_is_refused():
    with pytest.raises(InputError, match="Block 12 is listed twice"):
        read_block_roles(["12=training", "012=held-out"])


def test_clicks_lead_through_all_roles_and_back():
    role, seen = "training", []
    for _ in range(4):
        role = find_next_role(role)
        seen.append(role)
    assert seen == ["validation", "held-out", "left-out", "training"]
