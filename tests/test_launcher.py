"""`./codegod` on machines of many kinds: a clone of its own, a PATH of its own, a Python whose modules are stand-ins."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What a shell finds on any machine.
TOOLS = ("cat", "dirname", "env", "find", "ls", "mkdir", "mv", "readlink", "rm", "sh", "sleep")
UV = """#!/bin/sh
[ "$1" = --version ] && { echo "uv VERSION (stand-in)"; exit 0; }
env | grep -E '^(UV_|SSL_CERT_FILE|ALL_PROXY)' | sort >"$LOG.env"
echo "$0 $*" >>"$LOG"
[ -z "${UV_FAILS-}" ] || { echo "uv: no network" >&2; exit 9; }
mkdir -p "$UV_PROJECT_ENVIRONMENT/bin"
cp "$PYTHON_STAND_IN" "$UV_PROJECT_ENVIRONMENT/bin/python"
for name in codegod pytest; do
    printf '#!/bin/sh\\nexec "$STAND_IN" %s "$@"\\n' "$name" >"$UV_PROJECT_ENVIRONMENT/bin/$name"
    chmod +x "$UV_PROJECT_ENVIRONMENT/bin/$name"
done
"""
PROGRAM = """#!/bin/sh
echo "program $1 pid $$ in $(pwd) with $VIRTUAL_ENV"; shift
for word; do echo "<$word>"; done
case ${1-} in
    exit) exit "$2" ;;
    wait) trap 'exit 7' TERM; echo ready; while :; do sleep 0.02; done ;;
esac
"""
VENV = """
import os, pathlib, shutil, sys
target = pathlib.Path(sys.argv[-1])
(target / "bin").mkdir(parents=True)
shutil.copy(os.environ["PYTHON_STAND_IN"], target / "bin" / "python")
"""
BROKEN = 'print("The virtual environment was not created: ensurepip is not available"); raise SystemExit(1)'
PIP = """
import json, os, pathlib, shutil, sys
if sys.argv[1:3] == ["config", "list"]:
    print(os.environ.get("PIP_LISTING", ""))
    raise SystemExit
if os.environ.get("PIP_FAILS"):
    print("ERROR: no network", file=sys.stderr)
    raise SystemExit(1)
given = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
pathlib.Path(os.environ["LOG"] + ".pip").write_text(json.dumps([sys.argv[1:], given]))
where = sys.argv[sys.argv.index("--target") + 1] if "--target" in sys.argv else os.environ["VENV_MADE"]
venvs = [found for found in pathlib.Path(os.environ["CLONE"]).glob(".uv.part.*") if found.is_dir()]
place = venvs[0] if where == "venv" else pathlib.Path(where)
(place / "bin").mkdir(parents=True, exist_ok=True)
shutil.copy(os.environ["UV_STAND_IN"], place / "bin" / "uv")
"""


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@dataclass
class Machine:
    """A clone, and what else there is: nothing but a shell's usual tools until something is added."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    @property
    def log(self) -> list[str]:
        """The calls of uv."""
        file = self.folder / "log"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def add_uv(self, version: str = "0.13.9") -> None:
        executable(self.folder / "bin" / "uv", UV.replace("VERSION", version))

    def add_python(self, name: str = "python3", **modules: str) -> None:
        """A Python whose modules `venv`, `pip`, `ensurepip` are these programs; it has none that is not named."""
        base = Path(sys.executable).resolve()
        stand_ins = self.folder / "modules"
        hidden = {"pip": None, "venv": None, "ensurepip": None}
        for module, program in {**hidden, **modules}.items():
            if program is not None:
                executable(stand_ins / module / "__main__.py", program)
            absent = "" if program is not None else f"raise ModuleNotFoundError('No module named {module}')"
            executable(stand_ins / module / "__init__.py", absent)
        text = f'#!/bin/sh\nPYTHONPATH="{stand_ins}" exec "{base}" "$@"\n'
        executable(self.folder / "python-stand-in", text)
        executable(self.folder / "bin" / name, text)

    def variables(self) -> dict[str, str]:
        stand_in = executable(self.folder / "uv-stand-in", UV.replace("VERSION", "0.13.9"))
        return {
            "PATH": str(self.folder / "bin"),
            "HOME": str(self.folder / "home"),
            "LOG": str(self.folder / "log"),
            "CLONE": str(self.clone),
            "STAND_IN": str(self.folder / "program"),
            "UV_STAND_IN": str(stand_in),
            "PYTHON_STAND_IN": str(self.folder / "python-stand-in"),
            "VENV_MADE": "venv",
            **self.environment,
        }

    def run(self, *arguments: str, **options: str | Path) -> subprocess.CompletedProcess[str]:
        launcher = options.pop("launcher", self.clone / "codegod")
        return subprocess.run(
            [str(launcher), *arguments],
            cwd=options.pop("cwd", self.folder),
            env={**self.variables(), **{name: str(value) for name, value in options.items()}},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path.resolve())
    made.clone.mkdir()
    shutil.copy(ROOT / "codegod", made.clone)
    (made.clone / "pyproject.toml").write_text("", encoding="utf-8")
    for tool in (*TOOLS, "cp", "grep", "sort", "chmod"):
        found = shutil.which(tool)
        assert found, tool
        (made.folder / "bin").mkdir(exist_ok=True)
        (made.folder / "bin" / tool).symlink_to(found)
    executable(made.folder / "program", PROGRAM)
    executable(made.folder / "python-stand-in", "#!/bin/sh\n")
    return made


def test_the_program_gets_the_arguments_and_the_callers_folder_and_answers_for_itself(
    machine: Machine,
) -> None:
    machine.add_uv()
    elsewhere = machine.folder / "else where"
    elsewhere.mkdir()
    result = machine.run("exit", "5", "a b", "", "*", cwd=elsewhere)
    assert result.returncode == 5
    first, *words = result.stdout.splitlines()
    assert first.startswith("program codegod pid ")
    assert first.endswith(f"in {elsewhere} with {machine.clone}/.venv")
    assert words == ["<exit>", "<5>", "<a b>", "<>", "<*>"]


def test_the_first_start_says_what_it_does_and_the_next_asks_nobody(machine: Machine) -> None:
    machine.add_uv()
    first, second = machine.run("hello"), machine.run("hello")
    assert "making the environment" in first.stderr
    assert (second.stderr, second.returncode) == ("", 0)
    assert len(machine.log) == 1
    assert machine.log[0].endswith(f"sync --quiet --inexact --project {machine.clone}")


def test_a_changed_project_and_a_moved_clone_are_installed_again(machine: Machine) -> None:
    machine.add_uv()
    machine.run()
    later = os.stat(machine.clone / ".venv" / ".codegod").st_mtime + 5
    os.utime(machine.clone / "pyproject.toml", (later, later))
    machine.run()
    assert len(machine.log) == 2
    moved = machine.clone.rename(machine.folder / "moved")
    assert machine.run(launcher=moved / "codegod").returncode == 0
    assert machine.log[2].endswith(f"--project {moved}")


def test_it_works_through_links_from_anywhere(machine: Machine) -> None:
    machine.add_uv()
    (machine.folder / "links").mkdir()
    (machine.folder / "links" / "one").symlink_to("../clone/codegod")
    (machine.folder / "two").symlink_to(machine.folder / "links" / "one")
    result = machine.run("x", launcher=machine.folder / "two", cwd="/")
    assert f"in / with {machine.clone}/.venv" in result.stdout


def test_test_runs_pytest_in_the_clone_with_the_rest_of_the_arguments(machine: Machine) -> None:
    machine.add_uv()
    result = machine.run("test", "-k", "a b", cwd="/")
    assert "program pytest" in result.stdout
    assert f"in {machine.clone} " in result.stdout
    assert result.stdout.splitlines()[1:] == ["<-k>", "<a b>"]


def test_the_program_takes_the_launchers_place_so_signals_reach_it(machine: Machine) -> None:
    machine.add_uv()
    with subprocess.Popen(
        [machine.clone / "codegod", "wait"], env=machine.variables(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert f"pid {process.pid} " in process.stdout.readline()
        assert [process.stdout.readline() for _ in range(2)] == ["<wait>\n", "ready\n"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 7


def test_without_uv_a_private_one_is_made_once_with_venv(machine: Machine) -> None:
    machine.add_python(venv=VENV, pip=PIP, ensurepip="")
    assert machine.run("x").returncode == 0
    assert machine.run("x").stderr == ""
    assert [line.split()[0] for line in machine.log] == [f"{machine.clone}/.uv/bin/uv"]
    assert list(machine.clone.glob(".uv.part*")) == []


def test_a_python_that_is_managed_from_outside_and_has_no_whole_venv_is_not_touched(machine: Machine) -> None:
    machine.add_python(venv=BROKEN, pip=PIP)
    result = machine.run("x", PIP_USER="1", PIP_REQUIRE_VIRTUALENV="1")
    assert result.returncode == 0, result.stderr
    arguments, settings = json.loads((machine.folder / "log.pip").read_text(encoding="utf-8"))
    assert arguments[arguments.index("--target") + 1].startswith(f"{machine.clone}/.uv.part.")
    assert (settings["PIP_USER"], settings["PIP_REQUIRE_VIRTUALENV"]) == ("0", "0")
    assert settings["PIP_BREAK_SYSTEM_PACKAGES"] == "1"
    assert (machine.clone / ".uv" / "bin" / "uv").exists()


@pytest.mark.parametrize(
    ("has_apt", "advice"), [(True, "apt-get install -y python3-venv"), (False, "Install python3-venv")]
)
def test_a_python_without_venv_and_pip_is_told_in_one_line_what_is_missing(
    machine: Machine, has_apt: bool, advice: str
) -> None:
    machine.add_python(venv=BROKEN)
    if has_apt:
        executable(machine.folder / "bin" / "apt-get", "")
    result = machine.run("x")
    assert result.returncode == 2
    *_, last = result.stderr.splitlines()
    assert "neither pip nor" in last
    assert advice in last
    assert len(result.stderr.splitlines()) == 2
    assert sorted(path.name for path in machine.clone.iterdir()) == ["codegod", "pyproject.toml"]


def test_without_python_and_uv_the_line_names_both(machine: Machine) -> None:
    result = machine.run("x")
    assert result.returncode == 2
    assert "Python 3.11 or newer, or uv" in result.stderr


def test_where_python_is_too_old_a_newer_one_is_asked_for(machine: Machine) -> None:
    executable(machine.folder / "bin" / "python3", "#!/bin/sh\nexit 1\n")
    executable(machine.folder / "bin" / "apt-get", "#!/bin/sh\n")
    result = machine.run()
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].endswith("Run: sudo apt-get install -y python3.11 python3.11-venv")


def test_a_python_that_is_too_old_or_a_shim_of_none_is_passed_over(machine: Machine) -> None:
    machine.add_python("python3", venv=VENV, pip=PIP, ensurepip="")
    for name in ("python3.14", "python3.13"):
        executable(
            machine.folder / "bin" / name,
            "#!/bin/sh\necho 'command not found in this version' >&2; exit 127\n",
        )
    assert machine.run("x").returncode == 0
    executable(machine.folder / "bin" / "python3", "#!/bin/sh\nexit 1\n")
    shutil.rmtree(machine.clone / ".uv")
    shutil.rmtree(machine.clone / ".venv")
    assert "Python 3.11 or newer" in machine.run("x").stderr


@pytest.mark.parametrize("version", ["0.4.30", "0.8.9", "unknown"])
def test_a_uv_that_is_too_old_is_passed_over(machine: Machine, version: str) -> None:
    machine.add_uv(version)
    machine.add_python(venv=VENV, pip=PIP, ensurepip="")
    assert machine.run("x").returncode == 0
    assert machine.log[0].startswith(f"{machine.clone}/.uv/bin/uv")


@pytest.mark.parametrize("version", ["0.9.0", "0.13.9", "1.0.0", "2.1"])
def test_a_uv_that_is_new_enough_is_taken(machine: Machine, version: str) -> None:
    machine.add_uv(version)
    assert machine.run("x").returncode == 0
    assert machine.log[0].startswith(f"{machine.folder}/bin/uv")


def test_when_uv_cannot_be_installed_pips_words_and_one_line_stand_there(machine: Machine) -> None:
    machine.add_python(venv=VENV, pip=PIP, ensurepip="")
    result = machine.run("x", PIP_FAILS="1")
    assert result.returncode == 2
    assert "ERROR: no network" in result.stderr
    assert result.stderr.splitlines()[-1].endswith("or install uv.")
    assert sorted(path.name for path in machine.clone.iterdir()) == ["codegod", "pyproject.toml"]


def test_when_uv_cannot_install_its_words_and_one_line_stand_there_and_the_next_start_tries_again(
    machine: Machine,
) -> None:
    machine.add_uv()
    result = machine.run("x", UV_FAILS="1")
    assert result.returncode == 2
    assert "uv: no network" in result.stderr
    assert "codegod: uv could not make the environment" in result.stderr.splitlines()[-1]
    assert machine.run("x").returncode == 0


def settings_of_uv(machine: Machine) -> Mapping[str, str]:
    lines = (machine.folder / "log.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith(("UV_PROJECT", "UV_STAND_IN")))


def test_uv_gets_pips_index_settings_where_it_has_none_of_its_own(machine: Machine) -> None:
    machine.add_uv()
    machine.add_python(pip=PIP)
    wheels = machine.folder / "my wheels"
    wheels.mkdir()
    listing = f"""
global.index-url='https://mirror.example/simple'
global.extra-index-url='https://other.example/simple file:///nowhere/simple {machine.folder.as_uri()}'
global.find-links='/nowhere'
install.find-links='/nowhere\\n{machine.folder}'
:env:.trusted-host='mirror.example'
:env:.proxy='http://proxy.example:8080'
global.cert="/a 'b'/cert.pem"
freeze.index-url='https://wrong.example'
"""
    machine.run("x", PIP_LISTING=listing)
    assert settings_of_uv(machine) == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_INDEX": f"https://other.example/simple {machine.folder.as_uri()}",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": str(machine.folder),
        "UV_INSECURE_HOST": "mirror.example",
        "ALL_PROXY": "http://proxy.example:8080",
        "SSL_CERT_FILE": "/a 'b'/cert.pem",
    }


def test_pip_without_an_index_leaves_uv_without_one(machine: Machine) -> None:
    machine.add_uv()
    machine.add_python(pip=PIP)
    machine.run("x", PIP_LISTING="global.no-index='true'")
    assert machine.log[0].endswith(" --no-index")


@pytest.mark.parametrize("own", ["UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS", "file"])
def test_uvs_own_settings_go_before_pips(machine: Machine, own: str) -> None:
    machine.add_uv()
    machine.add_python(pip=PIP)
    if own == "file":
        executable(machine.folder / "home" / ".config" / "uv" / "uv.toml", "")
    given = {} if own == "file" else {own: "https://mine.example"}
    machine.run("x", PIP_LISTING="global.index-url='https://mirror.example/simple'", **given)
    assert settings_of_uv(machine) == given


def test_settings_for_uv_do_not_reach_the_program(machine: Machine) -> None:
    machine.add_uv()
    machine.add_python(pip=PIP)
    executable(machine.folder / "program", "#!/bin/sh\nenv\n")
    result = machine.run("x", PIP_LISTING="global.index-url='https://mirror.example/simple'")
    assert "mirror.example" not in result.stdout.replace("PIP_LISTING", "").replace(
        "=global.index-url='https://mirror.example/simple'", ""
    )
    assert "UV_PROJECT_ENVIRONMENT" not in result.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_clone_that_is_not_ones_own_is_told(machine: Machine) -> None:
    machine.add_uv()
    machine.clone.chmod(0o555)
    result = machine.run("x")
    machine.clone.chmod(0o755)
    assert result.returncode == 2
    assert "not writable" in result.stderr


@pytest.mark.long
@pytest.mark.parametrize("venv", ["whole", "missing"])
def test_a_real_clone_without_uv_installs_and_answers(tmp_path: Path, venv: str) -> None:
    """With the network and a real Python, whose venv module is there or is not."""
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin")
    if (
        python is None
        or subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("there is no system Python with pip")
    clone = tmp_path / "clone"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(".venv", ".uv", ".git", ".*_cache", "uv.lock"))
    refuse = (
        'case "$*" in *"-m venv"*) echo "ensurepip is not available"; exit 1 ;; esac\n'
        if venv == "missing"
        else ""
    )
    for name in ("python3.14", "python3.13", "python3.12", "python3.11", "python3", "python"):
        executable(tmp_path / "bin" / name, f'#!/bin/sh\n{refuse}exec {python} "$@"\n')
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    result = subprocess.run(
        [clone / "codegod", "--version"],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("codegod ")
    assert (clone / ".uv" / "bin" / "uv").exists()
    assert (clone / ".uv" / "pyvenv.cfg").exists() is (venv == "whole")
