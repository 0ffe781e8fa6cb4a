import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.errors import InputError
from scoring.reading.columns import match, recognised, unrepeated
from scoring.schema import NAMES


def humps(name):
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


spellings = [
    str,
    str.upper,
    humps,
    lambda name: name.replace("_", " ").title(),
    lambda name: name.replace("_", "-"),
    lambda name: f"  {name} ",
    lambda name: name.replace("_", ""),
    lambda name: humps(name)[0].upper() + humps(name)[1:],
]


@pytest.mark.parametrize("spell", spellings)
def test_every_field_is_found_in_any_spelling(spell):
    found = match(tuple(spell(name) for name in NAMES))
    assert found.found == {name: spell(name) for name in NAMES}
    assert found.missing == found.extra == ()


def test_what_is_renamed_missing_and_extra_is_told_apart():
    found = match(("shoe size", "crmId", "total_inbound"))
    assert found.renamed == {"crmId": "crm_id"}
    assert found.extra == ("shoe size",)
    assert "email" in found.missing
    assert "crm_id" not in found.missing


def test_two_columns_for_one_field_are_refused():
    with pytest.raises(InputError, match='"email", "E-Mail" are both the field email'):
        match(("email", "E-Mail", "total_inbound"))


def test_repeated_names_are_refused():
    with pytest.raises(InputError, match='"a" is a column more than once'):
        unrepeated(["a", "b", "a"])


def test_without_an_activity_the_message_says_which_are_needed():
    with pytest.raises(InputError, match="total_inbound.*last_inbound_time"):
        match(("email", "crm_id", "received_reply", "upcoming_meeting"))


def test_addresses_in_place_of_names_are_not_shown():
    with pytest.raises(InputError) as caught:
        match(("ann.lee@acme.example", "Ann", "x" * 500))
    assert "acme" not in str(caught.value)
    assert len(str(caught.value)) < 700


@given(st.lists(st.text(max_size=5), unique=True, max_size=5))
def test_unknown_names_are_extra_in_their_order(names):
    names = [name for name in names if not recognised([name])]
    assert match((*names, "total_inbound")).extra == tuple(names)
