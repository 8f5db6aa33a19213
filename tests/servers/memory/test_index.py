import os
from pathlib import Path

import pytest

from codegod_memory import tree as tree_module

from .conftest import Call, Connect

CODE = "def add(a, b):\n    return a + b\n\n\ndef remove(a):\n    del a\n"


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


async def listed(memory: Call) -> dict[str, str]:
    entries = (await memory("memory_list"))["entries"]
    return {label["source"]: label["type"] for entry in entries for label in entry["labels"]}


async def test_a_workspace_is_remembered_function_by_function(memory: Call, tree: Path) -> None:
    write(
        tree,
        {
            "src/calc.py": CODE,
            "README.md": "# Use\nCall it.\n",
            "tests/test_calc.py": "def test_add(): ...\n",
        },
    )
    report = await memory("memory_index")
    assert (report["files"], report["added"], report["chunks"], report["complete"]) == (3, 3, 4, True)
    assert await listed(memory) == {"README.md": "note", "src/calc.py": "code", "tests/test_calc.py": "test"}
    hit = (await memory("memory_search", query="remove"))["hits"][0]
    assert (hit["source"], hit["name"], hit["first_line"], hit["origin"]) == (
        "src/calc.py",
        "remove",
        5,
        "indexed",
    )


async def test_only_what_changed_is_read_anew_and_what_vanished_is_forgotten(
    memory: Call, tree: Path
) -> None:
    write(tree, {"a.py": CODE, "b.py": "def gone(): ...\n", "c.py": "def old(): ...\n"})
    await memory("memory_index")
    (tree / "b.py").unlink()
    write(tree, {"c.py": "def new(): ...\n", "d.py": "def fresh(): ...\n"})
    report = await memory("memory_index")
    counts = {name: report[name] for name in ("files", "added", "changed", "unchanged", "removed", "chunks")}
    assert counts == {"files": 3, "added": 1, "changed": 1, "unchanged": 1, "removed": 1, "chunks": 2}
    assert set(await listed(memory)) == {"a.py", "c.py", "d.py"}
    assert (await memory("memory_search", query="old gone"))["hits"] == []


async def test_what_others_stored_survives_every_index(memory: Call, tree: Path) -> None:
    write(tree, {"a.py": CODE})
    await memory("memory_index")
    # The same text as the file's, under another name: the file may go, this may not.
    await memory("memory_put", text=CODE, type="task", source="result of storage", task="storage")
    (tree / "a.py").unlink()
    write(tree, {"b.py": "def other(): ...\n"})
    await memory("memory_index")
    assert await listed(memory) == {"result of storage": "task", "b.py": "code"}


async def test_paths_name_files_folders_and_globs(memory: Call, tree: Path) -> None:
    write(tree, {f"{name}.py": f"def {name}(): ...\n" for name in ("a", "src/b", "src/deep/c", "lib/d")})
    await memory("memory_index", paths=["src/", "./a.py"])
    assert set(await listed(memory)) == {"a.py", "src/b.py", "src/deep/c.py"}
    (tree / "src/b.py").unlink()
    report = await memory("memory_index", paths=["lib/*.py"])
    assert (report["removed"], set(await listed(memory))) == (
        0,
        {"a.py", "src/b.py", "src/deep/c.py", "lib/d.py"},
    )
    assert (await memory("memory_index", paths=["src/b.py"]))["removed"] == 1
    write(tree, {"empty/__init__.py": ""})
    assert (await memory("memory_index", paths=["empty/__init__.py"]))["files"] == 0
    assert "'nowhere'" in (await memory("memory_index", paths=["nowhere"]))["fault"]


async def test_what_nobody_wrote_to_be_read_is_left_out_and_named(memory: Call, tree: Path) -> None:
    write(
        tree,
        {
            "a.py": CODE,
            ".git/config": "text",
            "node_modules/x/index.js": "text",
            ".venv/lib/x.py": "text",
            "__pycache__/a.pyc": b"\x00",
            "logo.png": b"\x89PNG\x00",
            "latin.txt": "größe".encode("latin-1"),
            "uv.lock": "text",
            "empty.py": "\n",
            "big.txt": "x" * (tree_module.FILE_LIMIT_BYTES + 1),
        },
    )
    report = await memory("memory_index")
    assert set(await listed(memory)) == {"a.py"}
    assert report["skipped_total"] == 4
    reasons = dict(line.split(": ", 1) for line in report["skipped"])
    assert reasons["logo.png"] == reasons["latin.txt"] == "it is not text"
    assert "made it" in reasons["uv.lock"]
    assert str(tree_module.FILE_LIMIT_BYTES) in reasons["big.txt"]


async def test_links_and_pipes_lead_nowhere(memory: Call, tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write(outside, {"secret.txt": "CANARY-OUTSIDE"})
    write(tree, {"a.py": CODE})
    (tree / "link.txt").symlink_to(outside / "secret.txt")
    (tree / "folder").symlink_to(outside)
    (tree / "loop").symlink_to(tree)
    os.link(outside / "secret.txt", tree / "hard.txt")
    os.mkfifo(tree / "pipe.txt")
    await memory("memory_index")
    assert set(await listed(memory)) == {"a.py"}
    assert (await memory("memory_search", query="CANARY OUTSIDE"))["hits"] == []


async def test_a_tree_beyond_the_limit_is_said_to_be_incomplete_and_nothing_is_forgotten(
    memory: Call, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tree, {"a.py": CODE, "z.py": "def last(): ...\n"})
    await memory("memory_index")
    monkeypatch.setattr(tree_module, "TREE_LIMIT_CHARS", len(CODE))
    report = await memory("memory_index")
    assert (report["complete"], report["removed"]) == (False, 0)
    assert "are the most" in report["skipped"][-1]
    assert set(await listed(memory)) == {"a.py", "z.py"}


async def test_what_lies_too_deep_is_missing_and_said_so_and_the_rest_is_remembered(
    memory: Call, tree: Path
) -> None:
    write(tree, {"z.py": CODE, "/".join(["d"] * 80) + "/deep.py": CODE})
    report = await memory("memory_index")
    assert (report["files"], report["complete"]) == (1, False)
    assert "deeper" in report["skipped"][-1]


async def test_tasks_have_their_own_index_and_trees_of_one_project_share_it(
    connect: Connect, tmp_path: Path
) -> None:
    for name, body in (("main", "def one(): ...\n"), ("storage.2", "def two(): ...\n")):
        write(tmp_path / "builds/b1/trees" / name, {"a.py": body, f"{name}.py": body})
    async with connect("b1") as memory:
        await memory("memory_index", workspace="b1/main")
        report = await memory("memory_index", workspace="b1/storage.2")
        assert (report["added"], report["changed"], report["removed"]) == (1, 1, 1)
        await memory("memory_index", workspace="b1/main", task="api")
        assert set(await listed(memory)) == {"a.py", "storage.2.py", "main.py"}
        assert [hit["name"] for hit in (await memory("memory_search", query="one", task="api"))["hits"]] == [
            "one"
        ]
        assert "no workspace 'b1/none'" in (await memory("memory_index", workspace="b1/none"))["fault"]
        assert "not granted" in (await memory("memory_index", workspace="b2/main"))["fault"]


async def test_two_equal_files_are_both_remembered_and_shown_once(memory: Call, tree: Path) -> None:
    write(tree, {"one/a.py": CODE, "two/b.py": CODE})
    assert (await memory("memory_index"))["chunks"] == 4
    assert len((await memory("memory_search", query="remove"))["hits"]) == 1
    assert set(await listed(memory)) == {"one/a.py", "two/b.py"}
