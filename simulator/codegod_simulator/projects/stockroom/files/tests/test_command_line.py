"""The command line for the warehouse."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stockroom.__main__ import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    environment = {"STOCKROOM_DATABASE": str(tmp_path / "stock.db")}

    def call(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments, environment)
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


def test_articles_are_added_and_shown(run: Run) -> None:
    line = "NUT-8 Nut M8: 0 there, 50 wanted at least\n"
    added = run("add", "NUT-8", "Nut M8", "--minimum", "50")
    assert added == (0, f"Added {line}", "")
    assert run("show", "NUT-8") == (0, line, "")
    run("add", "BOLT", "Bolt")
    assert run("show")[1] == f"BOLT Bolt: 0 there, 0 wanted at least\n{line}"


def test_pieces_come_in_and_go_out(run: Run) -> None:
    run("add", "NUT-8", "Nut M8")
    assert run("receive", "NUT-8", "7")[1].startswith("Received: NUT-8 Nut M8: 7 there")
    assert run("take", "NUT-8", "3", "--reason", "sold")[1].startswith(
        "Taken: NUT-8 Nut M8: 4 there"
    )


def test_the_report_is_a_table_or_csv(run: Run) -> None:
    assert run("report") == (0, "Nothing runs low.\n", "")
    run("add", "NUT-8", "Nut M8", "--minimum", "50")
    assert run("report")[1].splitlines()[1].split() == [
        "NUT-8",
        "Nut",
        "M8",
        "0",
        "50",
        "50",
    ]
    assert run("report", "--csv")[1].splitlines()[1] == "NUT-8,Nut M8,0,50,50"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "NOPE"], "there is no article 'NOPE'"),
        (["take", "NOPE", "1"], "there is no article 'NOPE'"),
        (["receive", "NOPE", "0"], "0 is no number of pieces"),
        (["take", "NOPE", "-1"], "-1 is no number of pieces"),
        (["add", "nut", "Nut"], "sku: 2 to 20 capital letters"),
    ],
)
def test_what_went_wrong_is_one_line(run: Run, arguments: list[str], said: str) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (1, "")
    assert err.startswith(f"stockroom: {said}")
    assert err.count("\n") == 1


def test_wrong_usage_has_the_status_2(run: Run) -> None:
    with pytest.raises(SystemExit) as caught:
        run("receive", "NUT-8", "many")
    assert caught.value.code == 2


def test_a_wrong_setting_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show"], {"STOCKROOM_PORT": "http"}) == 1
    assert "STOCKROOM_PORT='http'" in capsys.readouterr().err
