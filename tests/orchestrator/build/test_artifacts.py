import json

from codegod_kit.plan import Behaviour, Plan
from codegod_orchestrator.artifacts import missing_artifacts

PLAN = Plan(
    name="Word_Count",
    summary="Counts words.",
    behaviours=(Behaviour(id="B1", text="Words are counted"),),
    skeleton=("pyproject.toml",),
    tasks=(),
)
MANIFEST = '[project]\nname = "wc"\n[project.scripts]\nwc = "wc.cli:main"\n'


def test_what_no_task_wrote_is_added_from_the_plan_and_the_manifest() -> None:
    added = missing_artifacts(PLAN, MANIFEST, {"pyproject.toml"})
    assert set(added) == {"README.md", "Dockerfile", "compose.yaml"}
    assert "Words are counted" in added["README.md"]
    assert added["Dockerfile"].endswith(f"CMD {json.dumps(['wc'])}\n")
    assert "  word-count:" in added["compose.yaml"]


def test_what_is_there_stays() -> None:
    assert missing_artifacts(PLAN, MANIFEST, {"README.md", "Dockerfile", "docker-compose.yml"}) == {}


def test_without_a_script_the_package_is_run_and_a_broken_manifest_is_no_reason_to_fail() -> None:
    added = missing_artifacts(PLAN, "not toml [", {"src/wc/__main__.py"})
    assert '["python", "-m", "wc"]' in added["Dockerfile"]
