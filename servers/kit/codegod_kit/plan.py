"""The plan, and plan.yaml: reading one with errors that name the line, and writing one."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from codegod_kit.faults import ToolFault
from codegod_kit.located import located
from codegod_kit.marked_yaml import MarkedYamlError, read_marked
from codegod_kit.plan_records import Behaviour, Plan, Platform, Task, TaskType

__all__ = [
    "PLAN_LIMIT_BYTES",
    "Behaviour",
    "Plan",
    "PlanFault",
    "Platform",
    "Task",
    "TaskType",
    "dump_plan",
    "load_plan",
    "parse_plan",
]

# A plan of a hundred tasks has some 100 kB.
PLAN_LIMIT_BYTES = 1024 * 1024
# More than anybody mends in one go.
_ERRORS_SHOWN = 20
_LINE_WIDTH = 110


class PlanFault(ToolFault):
    """The plan cannot be used; each error reads `file:line: field: what is wrong`."""

    def __init__(self, source: str, errors: tuple[str, ...]) -> None:
        shown = "\n".join(errors[:_ERRORS_SHOWN])
        more = f"\nand {len(errors) - _ERRORS_SHOWN} more" if len(errors) > _ERRORS_SHOWN else ""
        super().__init__(shown + more)
        self.source = source
        self.errors = errors


def load_plan(path: Path) -> Plan:
    """The plan in the file `path`; a `PlanFault` says what is wrong with it, and where."""
    try:
        data = path.read_bytes()
        if len(data) > PLAN_LIMIT_BYTES:
            raise PlanFault(str(path), (f"{path}: has more than {PLAN_LIMIT_BYTES} bytes",))
        return parse_plan(data.decode("utf-8"), str(path))
    except OSError as error:
        raise PlanFault(str(path), (f"{path}: cannot be read: {error.strerror}",)) from error
    except UnicodeDecodeError as error:
        raise PlanFault(str(path), (f"{path}: is not UTF-8 text",)) from error


def parse_plan(text: str, source: str = "plan") -> Plan:
    """The plan in `text`, YAML or JSON; `source` is what errors call it."""
    try:
        marked = read_marked(text)
    except MarkedYamlError as error:
        raise PlanFault(source, (f"{source}:{error.line}: {error.reason}",)) from error
    try:
        return Plan.model_validate(marked.data)
    except ValidationError as error:
        raise PlanFault(source, tuple(located(error, marked, source))) from error


def dump_plan(plan: Plan) -> str:
    """`plan` as YAML that `load_plan` reads back, without what is left at its default."""
    data = plan.model_dump(mode="json", exclude_defaults=True)
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_LINE_WIDTH)
    return text


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, which people can edit."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
