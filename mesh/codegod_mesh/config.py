"""mcp.json: which servers the mesh has.

The file has the form that every MCP host reads, so an entry may be copied from a host's configuration as it is:

    {"mcpServers": {
        "git":    {"command": "codegod-git", "codegod": {"builtin": true}},
        "memory": {"url": "http://memory:8000/mcp", "headers": {"Authorization": "Bearer ${CODEGOD_TOKEN}"},
                   "codegod": {"builtin": true}},
        "search": {"command": "npx", "args": ["-y", "some-search-server"], "env": {"KEY": "${SEARCH_KEY}"},
                   "codegod": {"allocate": {"backend": ["search_*"], "*": ["page_read"]}}}}}

Under an entry's key `codegod`, which hosts pass over:
- `builtin: true`: the server of that name is ours. It gets grants, and it runs inside this process; `command` is then
  there for hosts only. With `"run": "process"` (instead of `inside`) it is a child of this process, with `"run": "command"` the entry's own
  command is started, and with a `url` it is reached there.
- `allocate`: task type (or `*`) to patterns on the server's tools; what is not allocated, no task gets.
- `disabled: true` on the entry itself leaves it out, as in hosts.

`${NAME}` and `${NAME:-default}` are replaced in `env`, `headers` and `url`.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from codegod_kit.located import Problem, located, refuse
from codegod_kit.marked_yaml import Marked, MarkedYamlError, read_marked
from codegod_kit.plan import TaskType
from codegod_mesh.endpoints import Builtin, Command, Endpoint, Url
from codegod_mesh.registry import builtin_names

FILE_NAME = "mcp.json"
PACKAGED_CONFIG = Path(__file__).with_name(FILE_NAME)
# A name becomes the first part of tool names: no dot, and room left in the 64 characters that models take.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_ERRORS_SHOWN = 10
_FILE_LIMIT_BYTES = 1024 * 1024


class ConfigFault(Exception):
    """An mcp.json cannot be used; each line reads `file:line: field: what is wrong`."""

    def __init__(self, path: Path, errors: tuple[str, ...]) -> None:
        super().__init__("\n".join(errors[:_ERRORS_SHOWN]))
        self.path = path
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Config:
    """The servers of one mcp.json."""

    path: Path
    endpoints: tuple[Endpoint, ...]

    def allocated(self, task_type: str) -> tuple[str, ...]:
        """What the file allocates to tasks of this type, as patterns on "server.tool"."""
        return tuple(pattern for endpoint in self.endpoints for pattern in endpoint.allocated(task_type))


def find_config(explicit: Path | None, folder: Path, environment: Mapping[str, str]) -> Path:
    """The mcp.json to use: the one that was named, `folder`'s, the user's own, else the one we ship."""
    if explicit is not None:
        return explicit
    for place in (folder, user_folder(environment)):
        if (place / FILE_NAME).is_file():
            return place / FILE_NAME
    return PACKAGED_CONFIG


def user_folder(environment: Mapping[str, str]) -> Path:
    """Where the user's own configuration of Code-God lies on this system."""
    if sys.platform == "win32" and (roaming := environment.get("APPDATA")):
        return Path(roaming) / "codegod"
    if home := environment.get("XDG_CONFIG_HOME"):
        return Path(home) / "codegod"
    return Path.home() / ".config" / "codegod"


def load_config(path: Path, environment: Mapping[str, str] | None = None) -> Config:
    """Read `path`; `environment` fills `${NAME}` (None: this process's). A `ConfigFault` names file, line and field."""
    variables = os.environ if environment is None else environment
    marked = _read(path)
    try:
        file = _File.model_validate(marked.data, context=variables)
    except ValidationError as error:
        raise ConfigFault(path, tuple(located(error, marked, str(path)))) from error
    entries = ((name, entry) for name, entry in file.servers.items() if not entry.disabled)
    return Config(path, tuple(entry.endpoint(name) for name, entry in entries))


def _read(path: Path) -> Marked:
    try:
        data = path.read_bytes()
        if len(data) > _FILE_LIMIT_BYTES:
            raise ConfigFault(path, (f"{path}: has more than {_FILE_LIMIT_BYTES} bytes",))
        text = data.decode("utf-8")
        plain = json.loads(text)
        # JSON is YAML, once tabs are gone; inside its strings there are none.
        return Marked(plain, read_marked(text.replace("\t", " ")).lines)
    except OSError as error:
        raise ConfigFault(path, (f"{path}: cannot be read: {error.strerror}",)) from error
    except UnicodeDecodeError as error:
        raise ConfigFault(path, (f"{path}: is not UTF-8 text",)) from error
    except json.JSONDecodeError as error:
        raise ConfigFault(path, (f"{path}:{error.lineno}: is not JSON: {error.msg}",)) from error
    except MarkedYamlError as error:
        raise ConfigFault(path, (f"{path}:{error.line}: {error.reason}",)) from error
    except RecursionError as error:
        raise ConfigFault(path, (f"{path}:1: nested too deep",)) from error


def _filled(text: str, info: ValidationInfo) -> str:
    """`text` with its `${NAME}` replaced from the validation's context."""
    variables: Mapping[str, str] = info.context or {}

    def value(found: re.Match[str]) -> str:
        name, default = found[1], found[2]
        if name not in variables and default is None:
            raise PydanticCustomError("variable", "the variable {name} is not set", {"name": name})
        return variables.get(name) or default or ""

    return _VARIABLE.sub(value, text)


_Filled = Annotated[str, AfterValidator(_filled)]


class _Ours(BaseModel):
    """The key `codegod` of an entry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    builtin: bool = False
    run: Literal["inside", "process", "command"] = "inside"
    allocate: dict[TaskType | Literal["*"], tuple[str, ...]] = {}


class _Entry(BaseModel):
    """One server; keys that only some hosts know are passed over."""

    model_config = ConfigDict(frozen=True)

    command: str = ""
    args: tuple[str, ...] = ()
    env: dict[str, _Filled] = {}
    cwd: Path | None = None
    url: _Filled = ""
    headers: dict[str, _Filled] = {}
    disabled: bool = False
    codegod: _Ours = _Ours()

    def endpoint(self, name: str) -> Endpoint:
        """What this entry says, for the mesh."""
        allocate = {str(task_type): tools for task_type, tools in self.codegod.allocate.items()}
        return Endpoint(name, self._target(), self.codegod.builtin, allocate)

    def _target(self) -> Builtin | Command | Url:
        if self.url:
            return Url(self.url, self.headers)
        if self.codegod.builtin and self.codegod.run != "command":
            return Builtin(process=self.codegod.run == "process")
        return Command(self.command, self.args, self.env, self.cwd)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True)

    servers: dict[str, _Entry] = Field(alias="mcpServers")

    @model_validator(mode="after")
    def _entries_hang_together(self) -> Self:
        refuse(problem for name, entry in self.servers.items() for problem in _problems(name, entry))
        return self


def _problems(name: str, entry: _Entry) -> Iterator[Problem]:
    place = ("mcpServers", name)
    ours = entry.codegod
    if not _NAME.fullmatch(name):
        yield Problem(place, f"{name!r} is no name for a server: letters, digits, - and _, 32 at most")
    if entry.url and entry.command:
        yield Problem((*place, "url"), "has a `command` too; one of them")
    if entry.url and not entry.url.startswith(("http://", "https://")):
        yield Problem((*place, "url"), "is not an http:// or https:// address")
    if ours.builtin and name not in builtin_names():
        known = ", ".join(builtin_names())
        yield Problem(
            (*place, "codegod", "builtin"), f"none of our servers is called {name!r}; they are {known}"
        )
    needs_command = not ours.builtin or ours.run == "command"
    if needs_command and not (entry.url or entry.command):
        yield Problem(
            place, "has neither `command` nor `url`; for one of our own say `codegod.builtin: true`"
        )
    if not ours.builtin and "run" in ours.model_fields_set:
        yield Problem(
            (*place, "codegod", "run"), "is for our own servers only; say `builtin: true` beside it"
        )
