"""The checks that no linter has, together."""

from .baseline import check_baseline
from .dockerfiles import check_dockerfiles
from .exposure import check_exposure
from .finding import Finding
from .fixtures import check_fixtures
from .flow import check_flow
from .injection import check_injection
from .java_rules import check_java
from .needed import check_needed
from .old_names import check_old_names
from .other_baseline import check_other_baseline
from .placeholders import check_placeholders
from .project import Project
from .repetition import check_repetition
from .rust_rules import check_rust
from .scripts import check_scripts
from .tampering import check_tampering
from .testing import check_tests


def check_rules(project: Project, before: dict[str, str], installed: frozenset[str] | None) -> list[Finding]:
    """Every finding of every rule. `before` are the test files of the baseline, `installed` the importable packages."""
    return [
        *check_placeholders(project),
        *check_repetition(project),
        *check_flow(project),
        *check_injection(project),
        *check_exposure(project),
        *check_needed(project, installed),
        *check_old_names(project, installed),
        *check_tests(project),
        *check_fixtures(project),
        *check_baseline(project, before),
        *check_other_baseline(project, before),
        *check_tampering(project, before),
        *check_dockerfiles(project),
        *check_scripts(project),
        *check_rust(project),
        *check_java(project),
    ]
