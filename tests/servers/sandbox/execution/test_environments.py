"""Environments: what a project needs is installed once, inside the sandbox, from the indexes that the user has."""

import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from codegod_kit.serving import ServerSettings
from codegod_sandbox.environments import Environments, Prepared
from codegod_sandbox.execution import PYTHON, RunResult, RunSpec, Sandbox
from codegod_sandbox.execution_faults import BadSetting
from codegod_sandbox.indexes import Indexes, IndexUnusable, read_indexes
from codegod_sandbox.install import EnvFailed
from codegod_sandbox.manifest import RequirementRefused
from codegod_sandbox.tree import remove

from .loopback_index import EVIL, FILES, INDEX, LoopbackIndex, serving, wheel

# Starts processes or installs packages in most of its tests: the everyday suite stays below two minutes without.
pytestmark = pytest.mark.long

# What a program may try with the packages that it was given.
_CHANGE = """
import os, sys, demo
for act in (lambda: open(demo.__file__, 'a').write('x'), lambda: os.unlink(demo.__file__),
            lambda: os.chmod(demo.__file__, 0), lambda: open(sys.prefix + '/new', 'w')):
    try: act(); print('ESCAPE')
    except OSError: print('BLOCKED')
"""
_DEMO = {"demo/__init__.py": "ANSWER = 42\n", "demo/__main__.py": "print('run')\n"}


@dataclass
class Project:
    """A tree, the environments of a state folder of its own, and the index behind them."""

    tree: Path
    state: Path
    sandbox: Sandbox
    environments: Environments
    index: LoopbackIndex

    def needs(self, *requirements: str) -> None:
        listed = ", ".join(f'"{line}"' for line in requirements)
        (self.tree / "pyproject.toml").write_text(
            f'[project]\nname = "app"\ndependencies = [{listed}]\n', "utf-8"
        )

    async def prepare(self, *requirements: str, network: bool = True) -> Prepared:
        self.needs(*requirements)
        with anyio.fail_after(60):
            return await self.environments.prepare(self.tree, network=network)

    async def python(self, code: str) -> RunResult:
        env = await self.environments.find(self.tree)
        return await self.sandbox.run(RunSpec((PYTHON, "-c", code), self.tree, env=env))


@pytest.fixture
def where(request: pytest.FixtureRequest) -> str:
    """The level: bubblewrap, unless a test is about both."""
    return str(getattr(request, "param", "bubblewrap"))


_AT_BOTH_LEVELS = pytest.mark.parametrize("where", ["bubblewrap", "landlock"], indirect=True)


@pytest.fixture
def own_state(state: Path, state_dir: Path) -> Path:
    """A state folder without environments."""
    folder = state_dir / "state"
    folder.mkdir()
    return folder


@pytest.fixture
def index() -> LoopbackIndex:
    made = LoopbackIndex()
    made.add("pytest", "9.0", {"pytest.py": ""})
    made.add("pytest_timeout", "2.0", {"pytest_timeout.py": ""}, ["pytest"])
    made.add("demo", "1.0", _DEMO)
    made.add("demo", "2.0", _DEMO)
    return made


def _settings(environment: Mapping[str, str], level: str, **more: str) -> Mapping[str, str]:
    # No configuration of this machine counts.
    return {
        **environment,
        "CODEGOD_SANDBOX": level,
        "PIP_CONFIG_FILE": os.devnull,
        "UV_NO_CONFIG": "1",
        **more,
    }


@pytest.fixture(scope="session")
def certificates() -> Iterator[Path]:
    """One folder for the authority's certificates, so that the settings of all projects are the same."""
    folder = Path(tempfile.mkdtemp(prefix="codegod-test-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def answers() -> dict[str, Indexes]:
    """What uv and pip said; they are asked once for the same settings, which takes longer than most of these tests."""
    return {}


@pytest.fixture
async def project(
    own_state: Path,
    workspace: Path,
    environment: Mapping[str, str],
    where: str,
    index: LoopbackIndex,
    certificates: Path,
    answers: dict[str, Indexes],
    sandboxes: Mapping[str, Sandbox],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Project]:
    async def ask_once(uv: Path, python: Path, asked: Mapping[str, str]) -> Indexes:
        key = json.dumps([str(uv), str(python), dict(asked)], sort_keys=True)
        if key not in answers:
            answers[key] = await read_indexes(uv, python, asked)
        return answers[key]

    monkeypatch.setattr("codegod_sandbox.environments.read_indexes", ask_once)
    async with serving(index, certificates) as authority:
        own = _settings(
            environment,
            where,
            UV_DEFAULT_INDEX=f"https://user:hidden@{INDEX}/simple",
            SSL_CERT_FILE=str(authority),
        )
        settings = ServerSettings(workspace, own_state, environment=own)
        environments = Environments(settings, sandboxes[where], index)
        yield Project(workspace, own_state, sandboxes[where], environments, index)
    remove(own_state)


@_AT_BOTH_LEVELS
async def test_what_a_project_needs_is_installed_and_nothing_that_runs_there_can_change_it(
    project: Project,
) -> None:
    assert await project.environments.find(project.tree) is None
    made = await project.prepare("demo")
    assert made.packages == ("demo==2.0", "pytest==9.0", "pytest_timeout==2.0")
    assert (made.cached, made.refused_hosts) == (False, ())
    assert await project.environments.find(project.tree) == made.folder
    result = await project.python("import demo, sys, pytest; print(demo.ANSWER, demo.__cached__, sys.prefix)")
    answer, cached, prefix = result.stdout.decode().split()
    assert answer == "42"
    assert cached.startswith(prefix)
    assert list(made.folder.glob("lib/*/site-packages/demo/__pycache__/*.pyc"))
    assert set(project.index.resolved) == {INDEX, FILES}
    changed = await project.python(_CHANGE)
    assert changed.stdout.split() == [b"BLOCKED"] * 4
    assert {path.lstat().st_uid for path in made.folder.rglob("*")} == {os.geteuid()}


async def test_the_same_requirements_are_installed_once(project: Project) -> None:
    first = await project.prepare("demo", "Demo >= 1.0")
    asked = len(project.index.asked)
    second = await project.prepare("demo>=1.0", "demo")
    assert (second.name, second.packages, second.cached) == (first.name, first.packages, True)
    assert len(project.index.asked) == asked
    assert second.seconds < 1
    assert (await project.prepare("demo<2")).name != first.name


async def test_two_calls_at_once_install_once(project: Project) -> None:
    project.needs("demo")
    made: list[Prepared] = []

    async def prepare() -> None:
        made.append(await project.environments.prepare(project.tree, network=True))

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(prepare)
    assert sorted(each.cached for each in made) == [False, True, True]
    assert sum(path.endswith("demo-2.0-py3-none-any.whl") for path in set(project.index.asked)) == 1


async def test_an_index_may_answer_in_json_and_redirect(project: Project) -> None:
    project.index.json = True
    project.index.redirects["/simple/pytest/"] = f"https://{INDEX}/simple/pytest"
    made = await project.prepare("demo==1.0")
    assert "demo==1.0" in made.packages


async def test_the_index_gets_its_password_and_no_message_holds_it(project: Project) -> None:
    await project.prepare("demo")
    assert "Basic dXNlcjpoaWRkZW4=" in project.index.passwords
    project.index.pages.clear()
    with pytest.raises(EnvFailed) as caught:
        await project.prepare("other")
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind", "body", "reason"),
    [
        ("401 Unauthorized", "text/plain", b"no", "it answers 401"),
        ("200 OK", "application/json", b"[1, 2]", "not one of a package index"),
        ("200 OK", "application/json", b"{", "not one of a package index"),
        ("302 Found", f"https://{INDEX}:8443/elsewhere", b"", "only https on port 443"),
        ("302 Found", f"http://{INDEX}/simple/", b"", "only https on port 443"),
    ],
)
async def test_an_index_that_answers_something_else_is_named_without_its_password(
    project: Project, monkeypatch: pytest.MonkeyPatch, status: str, kind: str, body: bytes, reason: str
) -> None:
    monkeypatch.setattr(project.index, "answer", lambda _host, _path: (status, kind, body))
    with pytest.raises(IndexUnusable, match=reason) as caught:
        await project.prepare("demo")
    assert "hidden" not in str(caught.value)


async def test_links_that_lead_nowhere_are_passed_over(project: Project) -> None:
    for link in (
        "https://files.test:99999/x.whl",
        "https://[files/x.whl",
        "mailto:me",
        "ftp://files.test/x",
        "",
    ):
        project.index.link("pytest", link)
    assert "demo==2.0" in (await project.prepare("demo")).packages


@_AT_BOTH_LEVELS
async def test_a_file_on_a_host_that_no_index_names_is_refused(project: Project) -> None:
    project.index.link("stray", f"https://{EVIL}/packages/stray-1.0-py3-none-any.whl")
    with pytest.raises(EnvFailed, match=EVIL) as caught:
        await project.prepare("stray")
    assert caught.value.refused == (f"{EVIL}: not a host of the configured package indexes",)
    assert EVIL not in project.index.resolved


async def test_a_package_without_a_wheel_is_refused_by_name(project: Project) -> None:
    project.index.link("built", f"https://{FILES}/packages/built-1.0.tar.gz")
    with pytest.raises(EnvFailed, match="Only wheels") as caught:
        await project.prepare("built")
    assert "built" in str(caught.value)
    assert list((project.state / "envs").glob("*.partial")) == []
    assert "demo==2.0" in (await project.prepare("demo")).packages


async def test_an_unknown_package_is_refused_by_name(project: Project) -> None:
    with pytest.raises(EnvFailed, match="no-such-thing"):
        await project.prepare("no-such-thing")


async def test_a_requirement_that_is_no_package_of_the_index_is_refused(project: Project) -> None:
    with pytest.raises(RequirementRefused, match="URL"):
        await project.prepare(f"demo @ https://{EVIL}/demo-1.0-py3-none-any.whl")
    assert project.index.dialled == []


async def test_nothing_of_a_package_runs_while_it_is_installed(project: Project) -> None:
    spy = "import os, pathlib; pathlib.Path(os.environ.get('SPY', '/env/ran')).write_text(str(dict(os.environ)))"
    project.index.add("nosy", "1.0", {"nosy.pth": spy + "\n", "sitecustomize.py": spy, "nosy.py": spy})
    made = await project.prepare("nosy")
    assert not list(made.folder.rglob("ran"))
    result = await project.python("import nosy; print('escaped')")
    assert b"escaped" not in result.stdout  # it does run here, and may not write
    assert not list(made.folder.rglob("ran"))


async def test_what_a_killed_server_left_is_no_environment(project: Project) -> None:
    made = await project.prepare("demo")
    half = made.folder.parent.with_suffix(".partial")
    made.folder.parent.rename(half)
    (half / "report.json").unlink()
    assert await project.environments.find(project.tree) is None
    again = await project.prepare("demo")
    assert (again.name, again.cached) == (made.name, False)
    assert not half.exists()


async def test_without_a_network_only_what_lies_here_is_installed(project: Project) -> None:
    with pytest.raises(EnvFailed, match="may not use the network"):
        await project.prepare("demo", network=False)
    assert project.index.dialled == []


@_AT_BOTH_LEVELS
async def test_an_index_in_a_folder_needs_no_network(
    own_state: Path,
    workspace: Path,
    environment: Mapping[str, str],
    where: str,
    index: LoopbackIndex,
    state_dir: Path,
) -> None:
    packages = state_dir / "mirror"
    (packages / "files").mkdir(parents=True)
    for path, content in index.files.items():
        (packages / "files" / path.rpartition("/")[2]).write_bytes(content)
    for name, links in index.pages.items():
        (packages / "simple" / name).mkdir(parents=True)
        page = "".join(
            f'<a href="../../files/{url.rpartition("/")[2]}">{url.rpartition("/")[2]}</a>' for url in links
        )
        (packages / "simple" / name / "index.html").write_text(f"<html><body>{page}</body></html>", "utf-8")
    extra = state_dir / "links"
    extra.mkdir()
    file, content = wheel("linked", "3.0", {"linked.py": ""})
    (extra / file).write_bytes(content)
    (state_dir / "constraints.txt").write_text("demo<2\n", "utf-8")
    own = _settings(
        environment,
        where,
        UV_DEFAULT_INDEX=f"file://{packages}/simple",
        PIP_FIND_LINKS=str(extra),
        PIP_CONSTRAINT=str(state_dir / "constraints.txt"),
    )
    settings = ServerSettings(workspace, own_state, environment=own)
    sandbox = Sandbox(settings)
    project = Project(workspace, own_state, sandbox, Environments(settings, sandbox, index), index)
    made = await project.prepare("demo", "linked", network=False)
    assert made.packages == ("demo==1.0", "linked==3.0", "pytest==9.0", "pytest_timeout==2.0")
    assert index.dialled == []
    remove(own_state)


async def test_a_folders_links_are_no_way_round_a_missing_network(
    own_state: Path,
    workspace: Path,
    environment: Mapping[str, str],
    index: LoopbackIndex,
    state_dir: Path,
    sandboxes: Mapping[str, Sandbox],
) -> None:
    page = state_dir / "mirror" / "simple" / "pytest" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(
        f'<a href="https://{FILES}/packages/pytest-9.0-py3-none-any.whl">pytest-9.0-py3-none-any.whl</a>',
        "utf-8",
    )
    own = _settings(environment, "bubblewrap", UV_DEFAULT_INDEX=(state_dir / "mirror" / "simple").as_uri())
    settings = ServerSettings(workspace, own_state, environment=own)
    with pytest.raises(EnvFailed, match="may not use the network"):
        await Environments(settings, sandboxes["bubblewrap"], index).prepare(workspace, network=False)
    assert index.dialled == []


async def test_few_environments_are_kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from codegod_sandbox import environments

    old = await project.prepare("demo<2")
    os.utime(old.folder.parent / "report.json", (0, 0))
    monkeypatch.setattr(environments, "_KEPT", 1)
    kept = await project.prepare("demo")
    await project.prepare("demo>1")
    assert not old.folder.exists()
    assert kept.folder.exists()  # used today


@pytest.fixture
async def tools(sandboxes: Mapping[str, Sandbox]) -> tuple[Path, Path]:
    """uv, and the Python whose pip is asked."""
    toolchain = (await sandboxes["bubblewrap"].ground()).toolchain
    assert toolchain is not None
    return toolchain.tools / "uv", toolchain.python


async def test_uv_and_pip_say_which_indexes_they_use(
    tools: tuple[Path, Path], environment: Mapping[str, str], state_dir: Path
) -> None:
    config = state_dir / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://pip.test/simple\nextra-index-url =\n  https://more.test/simple\n  file:///srv/x/simple\n"
        "[install]\nfind-links = /srv/links\n",
        "utf-8",
    )
    path = {"PATH": environment["PATH"], "PIP_CONFIG_FILE": str(config), "UV_NO_CONFIG": "1"}
    plain = await read_indexes(*tools, path)
    assert plain.default == "https://pip.test/simple"
    assert plain.extra == ("https://more.test/simple", "file:///srv/x/simple")
    assert (plain.find_links, plain.best_match) == (("/srv/links",), True)
    uvs = {
        "UV_DEFAULT_INDEX": "https://uv.test/simple",
        "UV_INDEX": "named=https://own.test/simple",
        "UV_FIND_LINKS": str(state_dir),
    }
    both = await read_indexes(*tools, {**path, **uvs})
    assert (both.default, both.extra) == (
        "https://uv.test/simple",
        ("https://own.test/simple", "https://more.test/simple", "file:///srv/x/simple"),
    )
    assert both.find_links == (str(state_dir), "/srv/links")
    variables = await read_indexes(
        *tools, {**path, "PIP_INDEX_URL": "https://env.test/simple", "PIP_EXTRA_INDEX_URL": ""}
    )
    assert variables.default == "https://env.test/simple"
    none = await read_indexes(*tools, {**path, "PIP_NO_INDEX": "1"})
    assert none.default == ""


async def test_without_a_pip_its_variables_count_all_the_same(
    tools: tuple[Path, Path], environment: Mapping[str, str], state_dir: Path
) -> None:
    uv, _ = tools
    nothing = state_dir / "python"
    nothing.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    nothing.chmod(0o755)
    own = {
        "PATH": environment["PATH"],
        "UV_NO_CONFIG": "1",
        "PIP_INDEX_URL": "https://env.test/simple",
        "PIP_EXTRA_INDEX_URL": "https://a.test https://b.test",
    }
    found = await read_indexes(uv, nothing, own)
    assert (found.default, found.extra) == ("https://env.test/simple", ("https://a.test", "https://b.test"))


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "PIP_CONSTRAINT"])
async def test_a_setting_that_names_no_file_is_named(
    own_state: Path,
    workspace: Path,
    environment: Mapping[str, str],
    index: LoopbackIndex,
    name: str,
    sandboxes: Mapping[str, Sandbox],
) -> None:
    own = _settings(
        environment, "bubblewrap", UV_DEFAULT_INDEX=f"https://{INDEX}/simple", **{name: "/no/such/file"}
    )
    settings = ServerSettings(workspace, own_state, environment=own)
    with pytest.raises(BadSetting, match="/no/such/file"):
        await Environments(settings, sandboxes["bubblewrap"], index).prepare(workspace, network=True)


async def test_without_any_setting_the_tools_own_default_counts(
    tools: tuple[Path, Path], environment: Mapping[str, str]
) -> None:
    found = await read_indexes(
        *tools, {"PATH": environment["PATH"], "PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"}
    )
    assert found.default.startswith("https://")
    assert (found.extra, found.find_links, found.best_match) == ((), (), False)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://index.test/simple", "only https"),
        ("https://index.test:8443/simple", "port 443"),
        ("file:///etc/packages", "too close"),
        ("file:///packages", "too close"),
        ("file:///srv/no/such/folder", "no such folder"),
    ],
)
async def test_an_index_that_cannot_be_used_is_named(
    own_state: Path,
    workspace: Path,
    environment: Mapping[str, str],
    index: LoopbackIndex,
    url: str,
    reason: str,
    sandboxes: Mapping[str, Sandbox],
) -> None:
    own = _settings(
        environment,
        "bubblewrap",
        UV_DEFAULT_INDEX=url.replace("p://", "p://user:hidden@").replace("s://", "s://user:hidden@"),
    )
    settings = ServerSettings(workspace, own_state, environment=own)
    with pytest.raises(IndexUnusable, match=reason) as caught:
        await Environments(settings, sandboxes["bubblewrap"], index).prepare(workspace, network=True)
    assert "hidden" not in str(caught.value)
    assert index.dialled == []


async def test_the_indexes_of_this_machine_give_a_real_environment(
    new_sandbox: Callable[[str], Sandbox], own_state: Path, workspace: Path, environment: Mapping[str, str]
) -> None:
    """The one test that leaves this machine, and only to the index that its own tools are configured with."""
    settings = ServerSettings(
        workspace, own_state, environment={**os.environ, **environment, "CODEGOD_SANDBOX": "bubblewrap"}
    )
    sandbox = Sandbox(settings)
    environments = Environments(settings, sandbox)
    (workspace / "pyproject.toml").write_text('[project]\nname = "app"\ndependencies = ["idna"]\n', "utf-8")
    made = await environments.prepare(workspace, network=True)
    assert {name.partition("==")[0] for name in made.packages} >= {"idna", "pytest", "pytest_timeout"}
    spec = RunSpec((PYTHON, "-m", "pytest", "--version"), workspace, env=made.folder)
    result = await sandbox.run(spec)
    assert (result.exit_code, result.stdout[:7]) == (0, b"pytest ")
    remove(own_state)
