"""What a hostile repository, a hostile tree and hostile arguments must not achieve."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from codegod_git import build_server
from codegod_kit import ServerSettings

# A sweep of processes and attacks: the everyday suite stays below two minutes without.
pytestmark = pytest.mark.long

# Each makes some git command of a careless server run $EVIL, which leaves $PWNED behind.
PLANTS = {
    "fsmonitor": "git config core.fsmonitor $EVIL",
    "hooks": "for h in pre-commit prepare-commit-msg commit-msg post-commit post-checkout post-index-change "
    "reference-transaction pre-auto-gc post-rewrite sendemail-validate fsmonitor-watchman; do "
    "mkdir -p .git/hooks; cp $EVIL .git/hooks/$h; done",
    "hooks path": "mkdir -p $TOP/h; for h in pre-commit post-index-change reference-transaction; do cp $EVIL $TOP/h/$h; "
    "done; git config core.hooksPath $TOP/h",
    "textconv": "echo '* diff=x' > .gitattributes; git config diff.x.textconv $EVIL; git config diff.x.cachetextconv true",
    "diff command": "echo '* diff=x' > .gitattributes; git config diff.x.command $EVIL",
    "recorded attributes": "echo '* diff=x filter=x' > .gitattributes; git add .; git commit -qm a; "
    "git config diff.x.command $EVIL; git config filter.x.smudge $EVIL; git config filter.x.required true",
    "textconv by private attributes": "echo '* diff=x' > .git/info/attributes; git config diff.x.textconv $EVIL",
    "diff command by private attributes": "echo '* diff=x' > .git/info/attributes; git config diff.x.command $EVIL",
    "external diff": "git config diff.external $EVIL",
    "clean filter": "echo '* filter=x' > .git/info/attributes; git config filter.x.clean $EVIL; git config filter.x.smudge $EVIL",
    "filter process": "echo '* filter=x' > .gitattributes; git config filter.x.process $EVIL",
    "attributes file": "echo '* diff=x filter=x' > $TOP/attr; git config core.attributesFile $TOP/attr; "
    "git config diff.x.textconv $EVIL; git config filter.x.clean $EVIL",
    "include": "printf '[core]\\n fsmonitor = %s\\n hooksPath = %s\\n' $EVIL $TOP/h > $TOP/inc; mkdir -p $TOP/h; "
    "cp $EVIL $TOP/h/reference-transaction; git config include.path $TOP/inc",
    "conditional include": "printf '[core]\\n fsmonitor = %s\\n' $EVIL > $TOP/inc; git config includeIf.gitdir:/.path $TOP/inc",
    "worktree config": "git config extensions.worktreeConfig true; git config --worktree core.fsmonitor $EVIL",
    "signing": "git config commit.gpgSign true; git config tag.gpgSign true; git config gpg.program $EVIL; "
    "git config log.showSignature true; git config gpg.ssh.program $EVIL; git config user.signingKey x",
    "editor and pager": "git config core.editor $EVIL; git config core.pager $EVIL; git config pager.log $EVIL; "
    "git config pager.show $EVIL; git config interactive.diffFilter $EVIL; git config sequence.editor $EVIL",
    "aliases": "for a in status log show diff-tree rev-list cat-file update-ref init; do git config alias.$a \"!$EVIL\"; done",
    "transports": "git config core.sshCommand $EVIL; git config core.gitProxy $EVIL; git config core.askPass $EVIL; "
    "git config credential.helper \"!$EVIL\"; git config remote.origin.url \"ext::$EVIL\"; "
    "git config protocol.ext.allow always; git config remote.origin.uploadpack $EVIL",
    "lazy fetch": "git config core.repositoryFormatVersion 1; git config extensions.partialClone origin; "
    "git config remote.origin.url \"ext::$EVIL\"; git config remote.origin.promisor true; "
    "git config protocol.ext.allow always; rm -f .git/objects/$(git rev-parse HEAD~1:f.txt | sed 's#..#&/#')",
    "pack hook": "git config uploadpack.packObjectsHook $EVIL; git config core.alternateRefsCommand $EVIL",
    "trailers and notes": "git config trailer.x.command $EVIL; git config trailer.x.cmd $EVIL; "
    "git config notes.displayRef 'refs/*'; git config notes.rewriteMode $EVIL",
    "merge driver": "echo '* merge=x' > .git/info/attributes; git config merge.x.driver \"$EVIL %O %A %B\"",
    "submodule": "git init -q s; git -C s commit -q --allow-empty -m s; git -c protocol.file.allow=always submodule "
    "--quiet add ./s s; git commit -qm sub; git -C s config core.fsmonitor $EVIL",
    "submodule url": "printf '[submodule \"x\"]\\n\\tpath = x\\n\\turl = -u./pw\\n\\tupdate = !%s\\n' $EVIL > .gitmodules; "
    "git add .gitmodules; git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),x; git commit -qm s; "
    "git config submodule.x.update \"!$EVIL\"; git config submodule.recurse true",
    "background upkeep": "git config gc.auto 1; git config maintenance.auto true; git config gc.recentObjectsHook $EVIL",
    "replaced objects": "git replace HEAD HEAD~1",
}  # fmt: skip


def plant(alone: Any, script: str) -> None:
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "EVIL": str(alone.evil),
        "TOP": str(alone.top),
        **{f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    subprocess.run(["sh", "-ec", script], cwd=alone.root, env=environment, check=True, capture_output=True)
    alone.pwned.unlink(missing_ok=True)


async def use_every_tool(user: Any, alone: Any) -> None:
    """Call each tool on what was planted; some may refuse, none may run anything."""
    alone.write({"f.txt": "changed\n", "new.txt": "x\n"})
    for tool, arguments in (
        ("git_status", {}),
        ("git_diff", {}),
        ("git_diff", {"base": "HEAD~1", "head": "HEAD"}),
        ("git_log", {}),
        ("git_log", {"path": "f.txt"}),
        ("git_show", {}),
        ("git_show", {"path": "f.txt"}),
        ("git_show", {"revision": "HEAD~1", "path": "f.txt"}),
        ("git_branch_list", {"prefix": "refs"}),
        ("git_commit", {"message": "m", "trailers": ["x: y"]}),
        ("git_note", {"revision": "HEAD", "text": "n"}),
        ("git_init", {}),
        ("repo_deliver", {"destination": str(alone.top / "delivered")}),
    ):
        await user.result(tool, **arguments)


# These keep a repository from being read at all, or bend what the others rely on.
ALONE = {
    "textconv by private attributes",
    "diff command by private attributes",
    "lazy fetch",
    "submodule",
    "submodule url",
    "worktree config",
    "replaced objects",
    "recorded attributes",
}


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(sorted(PLANTS.keys() - ALONE), id="most at once"),
        *(pytest.param([name], id=name) for name in sorted(ALONE)),
        *(pytest.param([name], id=name, marks=pytest.mark.long) for name in sorted(PLANTS.keys() - ALONE)),
    ],
)
async def test_nothing_that_the_repository_names_runs(user: Any, alone: Any, names: list[str]) -> None:
    for name in names:
        plant(alone, PLANTS[name])
    await use_every_tool(user, alone)
    assert not alone.pwned.exists()


async def test_the_plants_do_run_under_a_careless_git(alone: Any) -> None:
    """Guards the test above: what it plants would be seen."""
    plant(alone, PLANTS["fsmonitor"] + ";" + PLANTS["clean filter"])
    alone.git("status")
    assert alone.pwned.exists()


async def test_a_planted_variable_does_not_reach_git(
    user: Any, alone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", f"'core.fsmonitor'='{alone.evil}'")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(alone.evil))
    monkeypatch.setenv("GIT_DIR", str(alone.outside))
    await use_every_tool(user, alone)
    assert not alone.pwned.exists()


async def test_replaced_objects_are_shown_as_they_are(user: Any, alone: Any) -> None:
    plant(alone, PLANTS["replaced objects"])
    assert (await user.ok("git_show"))["commit"]["subject"] == "two"


async def test_attributes_hide_nothing_from_a_diff(user: Any, alone: Any) -> None:
    alone.write({".gitattributes": "* -diff\n", "f.txt": "hidden?\n"})
    assert "+hidden?" in (await user.ok("git_diff"))["text"]


ELSEWHERE: dict[str, Callable[[Path, Path], None]] = {
    "git file": lambda git_dir, other: _replace(git_dir, lambda: git_dir.write_text(f"gitdir: {other}\n")),
    "link": lambda git_dir, other: _replace(git_dir, lambda: git_dir.symlink_to(other)),
    "alternates": lambda git_dir, other: _write(git_dir / "objects/info/alternates", f"{other}/objects\n"),
    "common folder": lambda git_dir, other: _write(git_dir / "commondir", f"{other}\n"),
    "linked objects": lambda git_dir, other: _replace(
        git_dir / "objects", lambda: (git_dir / "objects").symlink_to(other / "objects")
    ),
    "linked refs": lambda git_dir, other: _replace(
        git_dir / "refs", lambda: (git_dir / "refs").symlink_to(other / "refs")
    ),
}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _replace(path: Path, make: Callable[[], object]) -> None:
    shutil.rmtree(path)
    make()


@pytest.mark.parametrize("redirect", ELSEWHERE.values(), ids=ELSEWHERE)
async def test_a_repository_that_lies_elsewhere_is_not_read(
    user: Any, alone: Any, run_git: Callable[..., str], redirect: Callable[[Path, Path], None]
) -> None:
    other = alone.outside / "other"
    other.mkdir()
    run_git(other, "init", "-q")
    run_git(other, "commit", "-q", "--allow-empty", "-m", "CANARY-OUTSIDE")
    redirect(alone.root / ".git", other / ".git")
    for tool in ("git_log", "git_show", "git_status"):
        assert "CANARY" not in await user.refused(tool)


async def test_a_configured_work_tree_outside_is_not_used(user: Any, alone: Any) -> None:
    alone.git("config", "core.worktree", str(alone.outside))
    alone.write({"new.txt": "x\n"})
    status = await user.ok("git_status")
    assert status["changes"] == [{"path": "new.txt", "status": "added"}]
    await user.ok("git_commit", message="m")
    assert "secret" not in alone.git("ls-tree", "-r", "--name-only", "HEAD")


async def test_a_folder_does_not_become_its_parents_repository(
    alone: Any, connect: Callable[..., Any]
) -> None:
    folder = alone.root / "sub"
    folder.mkdir()
    settings = ServerSettings(folder, alone.top, environment={"PATH": os.environ["PATH"]})
    async with Client(build_server(settings)) as client:
        for tool in ("git_log", "git_status"):
            assert "`git_init`" in await connect(client).refused(tool)


HANDLES = [
    "../outside",
    "/etc",
    "..",
    "b1/../b2",
    "b1/a/../../x",
    "B1/A",
    "--help/x",
    "a/b/c",
    "b1/.git",
    "b1/x\n",
]


async def test_a_workspace_is_a_handle_and_no_path(build: Any, user: Any) -> None:
    await build.begin({"a": "0"})
    for handle in HANDLES:
        await user.refused("git_status", workspace=handle)
        await build.orchestrator.refused("git_status", workspace=handle)
        await build.orchestrator.refused("worktree_create", workspace=handle)


async def test_a_tree_that_git_cannot_note_is_refused(build: Any) -> None:
    await build.begin({"a": "0"})
    for tree in ("a..b", "x.lock", "dot."):
        assert "storage.2" in await build.orchestrator.refused("worktree_create", workspace=f"b1/{tree}")
        assert not (build.folder / "trees" / tree).exists()


OPTIONS = [
    "--output=pwned",
    "-Osecret.txt",
    "--no-index",
    "--ext-diff",
    "--help",
    "--pathspec-from-file=/etc/passwd",
    "--format=%(trailers)",
    "--all",
    "-D main",
    "main --all",
    "main..HEAD",
    "^main",
    ":/two",
    "HEAD^{/two}",
    "main@{1}",
    "@",
    "main:f.txt",
    "main\n",
    "main\x00",
    "a*",
    "x" * 300,
    "",
]  # fmt: skip


async def test_a_revision_is_a_name_and_never_an_option(user: Any, alone: Any) -> None:
    for revision in OPTIONS:
        await user.refused("git_show", revision=revision)
        await user.refused("git_note", revision=revision, text="n")
        if revision:
            await user.refused("git_log", revision=revision)
            await user.refused("git_diff", base=revision)
            await user.refused("git_diff", head=revision)
    assert not (alone.root / "pwned").exists()
    assert not (alone.root / ".git" / "pwned").exists()


REFS = [
    "--force",
    "main",
    "refs/heads/--force",
    "refs/heads/-D",
    "refs/heads/../../../../outside/evil",
    "refs/heads/HEAD",
    "refs/heads/a.lock",
    "refs/heads/a\nb",
    "refs/heads/a..b",
    "refs/heads/a b",
    "refs/heads/",
    "refs/heads",
    "refs/heads/@{1}",
    "refs/heads/.a",
    "refs/remotes/origin/main",
    "HEAD",
]  # fmt: skip


async def test_a_ref_that_git_or_a_shell_could_misread_is_refused(user: Any, alone: Any) -> None:
    alone.write({"b": "x"})
    before = alone.git("for-each-ref")
    for ref in REFS:
        await user.refused("git_commit", message="m", ref=ref)
    assert alone.git("for-each-ref") == before


async def test_a_path_stays_in_the_tree(user: Any) -> None:
    for path in (
        "../../outside/secret.txt",
        "/etc/passwd",
        ".git/config",
        "a/../b",
        "./f.txt",
        "a//b",
        "x\0",
        "\n",
    ):
        await user.refused("git_show", path=path)
        await user.refused("git_log", path=path)
        await user.refused("git_diff", base="HEAD~1", paths=[path])


async def test_a_path_is_taken_literally(user: Any, alone: Any) -> None:
    for path in (":(top,exclude)f.txt", ":!f.txt", "*", "[f].txt", "--stat"):
        assert (await user.ok("git_log", path=path))["commits"] == []
        assert (await user.ok("git_diff", base="HEAD~1", head="HEAD", paths=[path]))["text"] == ""
        alone.write({path: f"{path}\n"})
        alone.git("--literal-pathspecs", "add", "--", path)
        alone.git("commit", "-qm", f"add {path}")
        assert [one["subject"] for one in (await user.ok("git_log", path=path))["commits"]] == [f"add {path}"]
        assert (await user.ok("git_show", path=path))["text"] == f"{path}\n"


async def test_a_prefix_of_refs_is_no_pattern_and_no_option(user: Any) -> None:
    for prefix in ("--contains=main", "-D", "refs/heads/*", "refs/../x", "", "heads"):
        await user.refused("git_branch_list", prefix=prefix)


async def test_a_huge_file_is_refused_before_it_is_read(
    user: Any, alone: Any, make_huge: Callable[[Path], None]
) -> None:
    make_huge(alone.root / "big")
    alone.commit_all("big")
    assert "40000000 bytes" in await user.refused("git_show", path="big")
    assert (await user.ok("git_status"))["clean"] is True


async def test_a_huge_diff_comes_in_pages_or_not_at_all(user: Any, alone: Any) -> None:
    big = "".join(f"{number:060}\n" for number in range(80_000))
    alone.write({"big": big})
    alone.commit_all("big")
    alone.write({"big": f"{big}x\n"})
    assert "context" in await user.refused("git_diff", context=1_000_000_000)
    assert len((await user.ok("git_diff", context=20))["text"]) < 2000
    assert "`paths`" in await user.refused("git_diff", base="HEAD~1", head="HEAD")


async def test_control_characters_are_shown_as_pictures(user: Any, alone: Any) -> None:
    alone.write({"esc": "\x1b[2Jgone\x07\n"})
    alone.git("add", "esc")
    alone.git("commit", "-qm", "\x1b]0;title\x07subject")
    for tool, arguments in (
        ("git_log", {}),
        ("git_show", {}),
        ("git_show", {"path": "esc"}),
        ("git_branch_list", {}),
    ):
        result = await user.result(tool, **arguments)
        assert "\x1b" not in str(result.structured_content)
        assert "\\u001b" not in result.content[0].text
    assert (await user.ok("git_log"))["commits"][0]["subject"] == "␛]0;title␇subject"


@contextmanager
def swapping(folder: Path) -> Iterator[None]:
    swap = (
        "import os, sys\n"
        "os.chdir(sys.argv[1])\n"
        "while True:\n"
        "    os.rename('d', 'x'); os.rename('link', 'd'); os.rename('d', 'link'); os.rename('x', 'd')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", swap, str(folder)])
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("rounds", [6, pytest.param(60, marks=pytest.mark.long)])
async def test_a_tree_that_swaps_folders_for_links_gives_nothing_from_outside(
    user: Any, alone: Any, rounds: int
) -> None:
    """A program in the sandbox exchanges a folder and a link as fast as it can while we record."""
    alone.write({"d/secret.txt": "inside\n"})
    (alone.root / "link").symlink_to(alone.outside)
    with swapping(alone.root):
        for _ in range(rounds):
            await user.result("git_commit", message="m")
            diff = await user.result("git_diff", base="main~1")
            assert "CANARY" not in str(diff.structured_content)
    alone.git("fsck", "--strict")
    assert "CANARY" not in alone.git("log", "-p", "--all")
