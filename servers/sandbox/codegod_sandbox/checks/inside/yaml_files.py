"""YAML: does it parse, and is a compose file one that can start?"""

import re
from typing import Any

from .finding import Finding
from .project import Source

_COMPOSE = re.compile(r"(docker-)?compose(\.[\w-]+)?\.ya?ml$")
# The loader is pure Python and slow; configuration is short.
_LIMIT_BYTES = 200_000


def check_yaml(source: Source) -> Finding | None:
    """A finding when the file does not parse, or is a compose file without sense."""
    import yaml

    if len(source.content) > _LIMIT_BYTES:
        return None
    try:
        documents = list(yaml.load_all(source.text, Loader=_loader(yaml)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        return Finding(source.path, line, "syntax", f"No valid YAML: {error.problem or error.context}")
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        return Finding(source.path, 1, "syntax", f"No valid YAML: {str(error).splitlines()[0]}")
    if _COMPOSE.match(source.name):
        return _compose(source, documents)
    return None


def _loader(yaml: Any) -> Any:
    """As the safe loader, but unknown tags (of CloudFormation, GitLab, ...) are somebody else's business."""

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        pass

    Loader.add_multi_constructor("!", lambda loader, suffix, node: None)
    return Loader


def _compose(source: Source, documents: list[Any]) -> Finding | None:
    top = documents[0] if documents else None
    services = top.get("services") if isinstance(top, dict) else None
    if not isinstance(services, dict) or not services:
        return Finding(
            source.path, 1, "compose", "A compose file needs `services:` with at least one service."
        )
    for name, service in services.items():
        problem = _service_problem(service, services)
        if problem:
            line = next(
                (n for n, text in enumerate(source.lines, 1) if text.strip().startswith(f"{name}:")), 1
            )
            return Finding(source.path, line, "compose", f"Service `{name}` {problem}")
    return None


def _service_problem(service: Any, services: dict[str, Any]) -> str:
    if not isinstance(service, dict):
        return "is not a mapping: give it `image:` or `build:`."
    if not {"image", "build", "extends"} & set(service):
        return "has neither `image:` nor `build:`: add one of them."
    wanted = service.get("depends_on") or []
    unknown = [other for other in wanted if other not in services] if isinstance(wanted, list | dict) else []
    return f"depends on `{unknown[0]}`, which is no service here." if unknown else ""
