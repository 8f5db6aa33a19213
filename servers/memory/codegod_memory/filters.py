"""Which entries a call is about."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions that one label of an entry must all meet; an empty one is no condition."""

    type: str = ""
    source: str = ""
    task: str = ""
    platform: str = ""
    tags: Sequence[str] = ()

    def where(self) -> tuple[str, list[str]]:
        """The conditions on a row of `labels AS l` as SQL, and their values; the SQL is empty when there are none."""
        fields = {"type": self.type, "source": self.source, "task": self.task, "platform": self.platform}
        wanted = {field: value for field, value in fields.items() if value}
        conditions = [f"l.{field} = ?" for field in wanted]
        conditions += ["EXISTS (SELECT 1 FROM tags AS t WHERE t.label = l.id AND t.tag = ?)"] * len(self.tags)
        return " AND ".join(conditions), [*wanted.values(), *self.tags]
