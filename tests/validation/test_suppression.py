import polars as pl
import pytest

from scoring.errors import InputError
from scoring.schema import empty
from scoring.validation.suppression import find_suppressed, is_suppressed


def hit(suppress, email=None, account=None, crm_id=None):
    rows = max(len(cells) for cells in (email or [], account or [], crm_id or []))
    columns = {"email": email, "account_domain": account, "crm_id": crm_id}
    table = empty(rows).with_columns(
        pl.Series(name, cells, dtype=pl.String) for name, cells in columns.items() if cells is not None
    )
    found = find_suppressed(table, suppress).to_list()
    if crm_id is None:  # a row by itself
        assert [is_suppressed(row, suppress) for row in table.to_dicts()] == found
    return found


@pytest.mark.parametrize("entry", ["ann@acme.com", "ANN@Acme.com", "  ann@acme.com "])
def test_an_address_in_any_case(entry):
    assert hit([entry], ["Ann@acme.COM", "joann@acme.com", "ann@acme.com.example", None]) == [True, False, False, False]


@pytest.mark.parametrize("entry", ["acme.com", "@acme.com", "*.acme.com", ".acme.com", "ACME.com", "acme.com."])
def test_a_domain_and_what_is_below_it(entry):
    emails = ["a@acme.com", "a@Mail.Acme.com", "a@notacme.com", "a@acme.com.example", "acme.com@x.example", None]
    assert hit([entry], emails) == [True, True, False, False, False, False]


def test_the_domain_of_the_account_counts_too():
    assert hit(["acme.com"], account=["acme.com", "eu.ACME.com", "@acme.com", "acme", None]) == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_domain_without_an_ending_is_held_against_the_account_alone():
    assert hit(["acme"], ["a@acme", "b@x.example"], ["other", "acme"]) == [False, True]


def test_rows_of_the_same_person_go_with_the_address():
    assert hit(["a@x.example"], ["a@x.example", None, "b@y.example", None], crm_id=["7", "7", "8", None]) == [
        True,
        True,
        False,
        False,
    ]


def test_reps_are_not_meant():
    table = empty(1).with_columns(source_email=pl.lit("rep@acme.com"))
    assert find_suppressed(table, ["acme.com", "rep@acme.com"]).to_list() == [False]


@pytest.mark.parametrize("suppress", [(), [], [""], [" ", ""]])
def test_nothing_to_leave_out(suppress):
    assert hit(suppress, ["a@acme.com", None]) == [False, False]


def test_one_entry_may_come_without_a_list():
    assert hit("acme.com", ["a@acme.com"]) == [True]


@pytest.mark.parametrize(
    "entry",
    ["a@b.example, c@d.example", "acme.com;x.com", "https://acme.com", "@", "Ann <ann@acme.com>", "ann@", 3, None],
)
def test_what_is_neither_an_address_nor_a_domain_is_refused(entry):
    with pytest.raises(InputError, match="suppress") as caught:
        hit([entry], ["a@acme.com"])
    assert "ann" not in str(caught.value).lower()


def test_many_entries():
    emails = [f"p{number}@d{number % 50}.example" for number in range(1000)]
    found = hit([f"d{number}.example" for number in range(25)] + emails[40:50], emails)
    assert sum(found) == 500 + 10


@pytest.mark.parametrize("email", ["é@acme.com", "a@acme.com\x1c", "a@ac\tme.com"])
def test_rare_signs_in_a_row_by_itself_are_left_to_polars(email):
    assert is_suppressed({"email": email, "account_domain": None}, ["acme.com"]) is None
