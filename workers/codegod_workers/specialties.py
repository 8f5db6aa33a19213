"""The five kinds of worker, and which of them does a task of each type."""

from collections.abc import Mapping
from typing import Literal

from codegod_kit.plan import TaskType

Specialty = Literal["backend", "frontend", "testing", "devops", "documentation"]

SPECIALTIES: Mapping[TaskType, Specialty] = {
    "backend": "backend",
    "api": "backend",
    "database": "backend",
    "bugfix": "backend",
    "refactor": "backend",
    "frontend": "frontend",
    "testing": "testing",
    "integration": "testing",
    "devops": "devops",
    "documentation": "documentation",
}
