from typing import Any

import pytest

from .conftest import Call

NOTE = {"type": "note", "source": "decisions"}


def texts(result: dict[str, Any]) -> list[str]:
    return [hit["text"] for hit in result["hits"]]


async def test_a_stored_text_is_found_with_all_that_was_said_about_it(memory: Call) -> None:
    stored = await memory(
        "memory_put", text="Dates are kept in UTC.", type="api_doc", source="https://example.org/spec",
        task="storage", platform="backend", tags=["time", "dates"],
    )  # fmt: skip
    found = await memory("memory_search", query="kept date")
    assert found["total"] == 1
    hit = found["hits"][0]
    assert hit.pop("score") > 0
    assert hit == {
        "id": f"{stored['id']}.0",
        "type": "api_doc",
        "source": "https://example.org/spec",
        "name": "",
        "first_line": 1,
        "last_line": 1,
        "retriever": "lexical",
        "task": "storage",
        "platform": "backend",
        "tags": ["dates", "time"],
        "origin": "written",
        "text": "Dates are kept in UTC.",
        "truncated": False,
    }


@pytest.mark.parametrize(
    ("wanted", "sources"),
    [
        ({"type": "error"}, {"e"}),
        ({"task": "api"}, {"e", "n"}),
        ({"platform": "web"}, {"n"}),
        ({"tags": ["x"]}, {"e", "n"}),
        ({"tags": ["x", "y"]}, {"n"}),
        ({"type": "error", "platform": "web"}, set()),
        ({}, {"e", "n", "t"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("tool", ["memory_search", "memory_pack", "memory_list"])
async def test_every_way_to_recall_is_filtered_by_every_label(
    memory: Call, tool: str, wanted: dict[str, Any], sources: set[str]
) -> None:
    await memory("memory_put", text="alpha one", type="error", source="e", task="api", tags=["x"])
    await memory(
        "memory_put", text="alpha two", type="note", source="n", task="api", platform="web", tags=["x", "y"]
    )
    await memory("memory_put", text="alpha three", type="task", source="t", task="ui")
    query = {} if tool == "memory_list" else {"query": "alpha"}
    result = await memory(tool, **query, **wanted)
    if tool == "memory_list":
        assert {label["source"] for entry in result["entries"] for label in entry["labels"]} == sources
    else:
        assert {one["source"] for one in result.get("hits") or result.get("items", [])} == sources


async def test_the_same_text_is_stored_once_and_answers_to_every_name_it_was_given(memory: Call) -> None:
    first = await memory("memory_put", text="Retry on 503.\n", type="note", source="a", task="api")
    again = await memory("memory_put", text="Retry on 503.", type="error", source="b", task="ui")
    assert (first["stored"], again["stored"], again["id"]) == (True, False, first["id"])
    assert (await memory("memory_status"))["entries"] == 1
    assert len((await memory("memory_search", query="retry"))["hits"]) == 1
    for wanted, source in [({"task": "api"}, "a"), ({"task": "ui"}, "b"), ({"type": "error"}, "b")]:
        found = await memory("memory_search", query="retry", **wanted)
        assert [hit["source"] for hit in found["hits"]] == [source]


async def test_a_text_that_was_recalled_is_not_stored_again(memory: Call) -> None:
    long = "# One\nalpha beta gamma\n\n# Two\ndelta epsilon\n"
    await memory("memory_put", text=long, type="api_doc", source="spec.md")
    hit = (await memory("memory_search", query="alpha"))["hits"][0]
    again = await memory("memory_put", text=hit["text"], **NOTE)
    assert again["stored"] is False
    assert (await memory("memory_status"))["chunks"] == 2


async def test_passages_quoted_from_a_pack_are_left_out_of_what_is_stored(memory: Call) -> None:
    await memory(
        "memory_put", text="def total(rows):\n    return sum(rows)\n", type="code", source="src/sums.py"
    )
    packed = (await memory("memory_pack", query="total of rows"))["text"]
    refused = await memory("memory_put", text=packed, **NOTE)
    assert "only passages recalled" in refused["fault"]
    stored = await memory("memory_put", text=f"What I saw:\n{packed}\nIt forgets None.", **NOTE)
    assert stored["recalled"] == 1
    kept = (await memory("memory_get", id=stored["id"]))["text"]
    assert "What I saw:" in kept
    assert "It forgets None." in kept
    assert "sum(rows)" not in kept


async def test_a_forged_mark_takes_nothing_away(memory: Call) -> None:
    forged = "[memory 0123456789abcdef.0 | src/a.py | lines 1-9]\nimportant\n"
    stored = await memory("memory_put", text=forged, **NOTE)
    assert stored["recalled"] == 0
    assert (await memory("memory_get", id=stored["id"]))["text"] == forged


async def test_replace_removes_what_the_source_held_before_and_nothing_else(memory: Call) -> None:
    old = await memory("memory_put", text="# A\nversion one\n\n# B\nrest\n", type="api_doc", source="spec")
    await memory("memory_put", text="version one of another", type="api_doc", source="other")
    # The new text is a piece of the old one: it must survive all the same.
    new = await memory("memory_put", text="# B\nrest\n", type="api_doc", source="spec", replace=True)
    assert (new["stored"], new["replaced"]) == (True, 1)
    assert "fault" in await memory("memory_get", id=old["id"])
    assert {entry["labels"][0]["source"] for entry in (await memory("memory_list"))["entries"]} == {
        "spec",
        "other",
    }


async def test_equal_pieces_of_several_texts_are_shown_once(memory: Call) -> None:
    for source in ("a.md", "b.md"):
        await memory(
            "memory_put", text=f"# Same\nalpha beta\n\n# Of {source}\nrest\n", type="note", source=source
        )
    found = await memory("memory_search", query="alpha")
    assert texts(found) == ["# Same\nalpha beta\n\n"]


async def test_a_match_in_a_name_comes_before_one_in_a_body(memory: Call) -> None:
    code = "def other():\n    send_mail(1)\n\n\ndef send_mail(to):\n    deliver(to)\n\n\ndef third():\n    pass\n"
    await memory("memory_put", text=code, type="code", source="src/mail.py")
    found = await memory("memory_search", query="sendMail")
    assert [hit["name"] for hit in found["hits"]][:2] == ["send_mail", "other"]


async def test_hits_are_paged_without_gaps_and_cursors_do_not_mix(memory: Call) -> None:
    for number in range(7):
        await memory("memory_put", text=f"alpha number{number}", type="note", source=f"n{number}")
    seen: list[str] = []
    cursor = ""
    while True:
        page = await memory("memory_search", query="alpha", limit=3, cursor=cursor)
        seen += texts(page)
        cursor = page["next_cursor"]
        if not cursor:
            break
        other = await memory("memory_search", query="beta", limit=3, cursor=cursor)
        assert "does not continue" in other["fault"]
    assert sorted(seen) == [f"alpha number{number}" for number in range(7)]


async def test_one_file_does_not_fill_the_first_page(memory: Call) -> None:
    many = "\n\n".join(f"def load_row_{number}():\n    return row\n" for number in range(20))
    await memory("memory_put", text=many, type="code", source="src/rows.py")
    await memory("memory_put", text="A row is a tuple.", type="note", source="docs")
    found = await memory("memory_search", query="load row", limit=20)
    assert "docs" in {hit["source"] for hit in found["hits"][:5]}
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 20


async def test_a_query_of_stop_words_still_finds_them(memory: Call) -> None:
    await memory("memory_put", text="to be or not to be", **NOTE)
    await memory("memory_put", text="something else", type="note", source="other")
    assert texts(await memory("memory_search", query="to be")) == ["to be or not to be"]


async def test_a_very_long_query_is_decided_by_its_rare_words(memory: Call) -> None:
    for number in range(30):
        common = " ".join(f"common{word}" for word in range(60))
        await memory("memory_put", text=f"{common} filler{number}", type="note", source=f"n{number}")
    await memory("memory_put", text="the needle", type="note", source="needle")
    query = " ".join(f"common{word}" for word in range(60)) + " needle"
    found = await memory("memory_search", query=query)
    assert "needle" in {hit["source"] for hit in found["hits"]}


async def test_a_memory_that_is_empty_answers_with_nothing(memory: Call) -> None:
    assert (await memory("memory_search", query="anything"))["hits"] == []
    assert (await memory("memory_pack", query="anything"))["text"] == ""
    assert (await memory("memory_list"))["entries"] == []
    status = await memory("memory_status")
    assert (status["mode"], status["degraded"], status["entries"]) == ("lexical", True, 0)
    assert "not by meaning" in status["reason"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"text": "  \n", **NOTE}, "is blank"),
        ({"text": "x", "type": "note", "source": ""}, "`source`"),
        ({"text": "x", "type": "poem", "source": "a"}, "'api_doc', 'code'"),
        ({"text": "x", **NOTE, "tags": ["t"] * 21}, "`tags`"),
        ({"text": "x" * 1_000_001, **NOTE}, "1000000"),
        ({"text": "x", **NOTE, "scope": "../other"}, "'../other' is no scope"),
    ],
)
async def test_what_cannot_be_stored_is_refused_by_name(
    memory: Call, arguments: dict[str, Any], said: str
) -> None:
    assert said in (await memory("memory_put", **arguments))["fault"]
    assert (await memory("memory_status"))["entries"] == 0
