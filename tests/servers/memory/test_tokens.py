import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegod_memory.tokens import WORD_CHARS, code_words, estimate_tokens


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("getUserById", ["get", "user", "by", "id", "getuserbyid"]),
        ("HTTPServer_v2", ["http", "server", "v", "2", "httpserverv2"]),
        ("__init__", ["init"]),
        ("parse parses parsed parsing", ["pars", "pars", "pars", "pars"]),
        ("bodies class status running", ["body", "class", "status", "run"]),
        ("größe_max", ["größ", "max", "größemax"]),
        ("x" * (WORD_CHARS + 1), []),
        ("", []),
    ],
)
def test_an_identifier_is_found_by_its_parts_and_as_a_whole(text: str, words: list[str]) -> None:
    assert code_words(text) == words


def test_a_name_is_one_word_in_every_convention() -> None:
    assert code_words("get_user")[-1] == code_words("getUser")[-1] == code_words("GetUser")[-1]


def test_composed_and_decomposed_letters_are_the_same_word() -> None:
    assert code_words("cafe\u0301") == code_words("caf\u00e9")


@given(st.text())
def test_words_hold_nothing_that_a_query_language_could_read(text: str) -> None:
    assert all(word.isalnum() and word for word in code_words(text))


@given(st.lists(st.text(), max_size=8))
def test_the_estimate_of_lines_is_the_sum_of_theirs(lines: list[str]) -> None:
    kept = [line.replace("\n", "") + "\n" for line in lines]
    assert estimate_tokens("".join(kept)) == sum(map(estimate_tokens, kept))


@pytest.mark.parametrize(
    ("text", "tokens"),
    # Counted by hand as byte-pair vocabularies part such texts: the estimate must not be below.
    [
        ("def add(a, b):\n    return a + b\n", 14),
        ("hello world", 2),
        ("日本語", 3),
        ("0123456789", 10),
        ("", 0),
    ],
)
def test_the_estimate_is_not_below_what_a_model_counts(text: str, tokens: int) -> None:
    assert tokens <= estimate_tokens(text) <= 2 * tokens + 4
