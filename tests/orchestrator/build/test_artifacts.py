import json

import pytest

from codegod_kit.plan import Behaviour, Plan
from codegod_orchestrator.artifacts import missing_artifacts, uv_tests

PLAN = Plan(
    name="Word_Count",
    summary="Counts words.",
    behaviours=(Behaviour(id="B1", text="Words are counted"),),
    skeleton=("pyproject.toml",),
    tasks=(),
)
MANIFEST = '[build-system]\nrequires = ["hatchling"]\n[project]\nname = "wc"\n[project.scripts]\nwc = "wc.cli:main"\n'


def test_what_no_task_wrote_is_added_from_the_plan_and_the_manifest() -> None:
    added = missing_artifacts(PLAN, MANIFEST, {"pyproject.toml"})
    assert set(added) == {"README.md", "Dockerfile", "compose.yaml", ".gitignore", ".dockerignore"}
    assert "Words are counted" in added["README.md"]
    assert added["Dockerfile"].endswith(f"CMD {json.dumps(['wc'])}\n")
    assert "  word-count:" in added["compose.yaml"]


def test_what_is_there_stays() -> None:
    present = {"README.md", "Dockerfile", "docker-compose.yml", ".gitignore"}
    assert missing_artifacts(PLAN, MANIFEST, present) == {}


def test_secrets_and_leftovers_stay_out_of_git_and_of_images() -> None:
    added = missing_artifacts(PLAN, MANIFEST, set())
    assert {".env", "__pycache__/", ".venv/"} <= set(added[".gitignore"].splitlines())
    assert {".env", ".git", ".venv", "**/__pycache__"} <= set(added[".dockerignore"].splitlines())


@pytest.mark.parametrize(
    ("platform", "command"),
    [("cli", "docker compose run --build --rm word-count"), ("backend", "docker compose up --build")],
)
def test_a_service_is_kept_up_and_a_command_is_run_once(platform: str, command: str) -> None:
    plan = PLAN.model_copy(update={"platforms": (platform,)})
    assert command in missing_artifacts(plan, MANIFEST, set())["README.md"]


def test_without_a_script_the_package_is_run_and_a_broken_manifest_is_no_reason_to_fail() -> None:
    added = missing_artifacts(PLAN, "not toml [", {"src/wc/__main__.py"})
    assert '["python", "-m", "wc"]' in added["Dockerfile"]


def test_what_is_no_package_is_installed_by_what_it_declares() -> None:
    flat = missing_artifacts(
        PLAN, '[project]\nname = "a"\ndependencies = ["flask>=3"]\n', {"pyproject.toml", "app.py"}
    )
    assert "RUN pip install --no-cache-dir 'flask>=3'\n" in flat["Dockerfile"]
    assert "Nothing in the project says how it is started" in flat["README.md"]
    listed = missing_artifacts(PLAN, "", {"requirements.txt", "app.py"})
    assert "RUN pip install --no-cache-dir -r requirements.txt\n" in listed["Dockerfile"]
    assert "uv run --with-requirements requirements.txt --with pytest pytest" in listed["README.md"]
    assert "RUN pip" not in missing_artifacts(PLAN, "", {"app.py"})["Dockerfile"]


def test_the_command_for_the_tests_follows_the_manifest() -> None:
    assert uv_tests({"pyproject.toml", "requirements.txt"}) == "run --with pytest pytest"
