"""What `sandbox_status` answers."""

from typing import Literal

from pydantic import BaseModel, Field


class SandboxStatus(BaseModel):
    """What isolates programs here, and how well."""

    level: Literal["bubblewrap", "landlock", "none"] = Field(
        description="What isolates programs; none: none is run"
    )
    user: int = Field(description="The user that programs run as, seen from outside")
    memory_limit: str = Field(description="What bounds the memory of all processes of a run together")
    process_limit: str = Field(description="What bounds the number of processes of a run")
    disk_limit: str = Field(description="What bounds the files of a run")
    network: str = Field(description="What a program can reach; `env_prepare` has its own way")
    python: str = Field(description="The interpreter, empty when there is none")
    python_version: str
    validators: list[str] = Field(description="Which of ruff, ty and uv are there")
    problems: list[str] = Field(description="What is missing or weaker than it could be, with the fix")
