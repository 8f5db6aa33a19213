import json
from typing import Any

import pytest
import yaml

from codegod_kit.plan import Behaviour, Plan
from codegod_orchestrator.finish.artifacts import missing_artifacts, uv_tests

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
    assert set(added) == {
        "README.md",
        "Dockerfile",
        "compose.yaml",
        ".gitignore",
        ".dockerignore",
        ".github/workflows/tests.yml",
    }
    assert "Words are counted" in added["README.md"]
    assert added["Dockerfile"].endswith(f"CMD {json.dumps(['wc'])}\n")
    assert "  word-count:" in added["compose.yaml"]


def test_what_is_there_stays() -> None:
    present = {"README.md", "Dockerfile", "docker-compose.yml", ".gitignore", ".gitlab-ci.yml"}
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


def test_a_workflow_runs_the_tests_as_the_readme_says() -> None:
    added = missing_artifacts(PLAN, MANIFEST, {"pyproject.toml"})
    workflow = yaml.safe_load(added[".github/workflows/tests.yml"])
    steps = workflow["jobs"]["tests"]["steps"]
    assert steps[-1] == {"run": "uv run --with pytest pytest"}
    assert "uv run --with pytest pytest" in added["README.md"]
    assert workflow["permissions"] == {"contents": "read"}


def test_the_plans_start_command_is_what_an_image_runs() -> None:
    plan = PLAN.model_copy(update={"start": "WC_PORT={port} python -m wc --fast", "health": "/health"})
    added = missing_artifacts(plan, MANIFEST, {"pyproject.toml"})
    assert 'ENV WC_PORT="8000"\nEXPOSE 8000\n' in added["Dockerfile"]
    assert added["Dockerfile"].endswith('CMD ["python", "-m", "wc", "--fast"]\n')
    assert '    ports: ["8000:8000"]\n' in added["compose.yaml"]
    assert "WC_PORT=8000 uv run python -m wc --fast" in added["README.md"]


@pytest.mark.parametrize(
    ("prompt", "stack", "wanted"),
    [
        ("A todo API, deployed to Kubernetes", {}, True),
        ("A todo API", {"deployment": "k8s"}, True),
        ("A todo API", {}, False),
        ("A todo API without Kubernetes", {}, False),
        ("A todo API, no k8s", {"backend": "Starlette"}, False),
    ],
)
def test_manifests_for_a_cluster_are_written_when_they_are_asked_for(
    prompt: str, stack: dict[str, str], wanted: bool
) -> None:
    plan = PLAN.model_copy(update={"stack": stack})
    added = missing_artifacts(plan, MANIFEST, {"pyproject.toml"}, prompt=prompt)
    assert ("k8s/app.yaml" in added) is wanted
    assert ("kubectl apply -f k8s/app.yaml" in added["README.md"]) is wanted


def _manifests(**plan: Any) -> list[dict[str, Any]]:
    wished = PLAN.model_copy(update=plan)
    texts = missing_artifacts(
        wished, "", {"Dockerfile"}, prompt="on kubernetes", dockerfile="FROM x\nEXPOSE 9000\n"
    )
    return list(yaml.safe_load_all(texts["k8s/app.yaml"]))


def test_a_service_in_a_cluster_is_probed_at_its_health_and_has_no_rights() -> None:
    deployment, service = _manifests(health="/health", start="a {port}")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert (deployment["kind"], service["kind"]) == ("Deployment", "Service")
    assert container["readinessProbe"]["httpGet"] == {"path": "/health", "port": 9000}
    assert container["ports"] == [{"containerPort": 9000}]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert (
        service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"] == {"app": "word-count"}
    )


def test_a_command_in_a_cluster_is_a_job() -> None:
    (job,) = _manifests(platforms=("cli",))
    assert (job["kind"], job["spec"]["template"]["spec"]["restartPolicy"]) == ("Job", "Never")


def test_manifests_that_are_there_stay() -> None:
    for path in ("k8s/web.yaml", "deploy/kubernetes/web.yml", "charts/app/Chart.yaml"):
        assert "k8s/app.yaml" not in missing_artifacts(PLAN, "", {path}, prompt="kubernetes")


def test_other_languages_have_recipes_of_their_own() -> None:
    node = missing_artifacts(
        PLAN,
        "",
        {"package.json", "package-lock.json"},
        node='{"scripts": {"start": "node dist/a.js", "build": "tsc"}}',
    )
    assert "RUN npm ci && npm run build\nUSER node\nCMD" in node["Dockerfile"]
    assert "npm ci && npm test" in node[".github/workflows/tests.yml"]
    assert "node_modules/" in node[".gitignore"]
    go = missing_artifacts(PLAN, "", {"go.mod"})
    assert "go test ./..." in go["README.md"]
    assert "go-version-file" in go[".github/workflows/tests.yml"]


@pytest.mark.parametrize(
    ("start", "present", "package", "words"),
    [
        ("PORT={port} go run ./cmd/list -v", {"go.mod"}, "./cmd/list", ["-v"]),
        ("", {"go.mod", "main.go"}, ".", []),
        ("", {"go.mod", "cmd/list/main.go"}, "./cmd/list", []),
    ],
)
def test_go_is_compiled_into_its_image_and_run_from_its_sources_elsewhere(
    start: str, present: set[str], package: str, words: list[str]
) -> None:
    added = missing_artifacts(PLAN.model_copy(update={"start": start}), "", present)
    program = "/usr/local/bin/app"
    assert f"RUN go build -o {program} {package}\n" in added["Dockerfile"]
    assert added["Dockerfile"].endswith(f"CMD {json.dumps([program, *words])}\n")
    assert f"go run {package}" in added["README.md"]


@pytest.mark.parametrize(
    ("manifest", "start", "told"),
    [
        ("[project]\nname = 'wc'\n", "python -m wc", True),
        ("[project]\nname = 'wc'\n", "", True),
        ("[project]\nname = 'wc'\n", "PYTHONPATH=lib python -m wc", False),
        (MANIFEST, "python -m wc", False),
    ],
)
def test_code_under_src_that_nothing_installs_is_found_by_who_starts_it(
    manifest: str, start: str, told: bool
) -> None:
    plan = PLAN.model_copy(update={"start": start})
    added = missing_artifacts(plan, manifest, {"pyproject.toml", "src/wc/__main__.py"})
    assert ('ENV PYTHONPATH="src"' in added["Dockerfile"]) is told
    assert ("PYTHONPATH=src uv run python -m wc" in added["README.md"]) is told
