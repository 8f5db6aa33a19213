"""The arguments that several memory tools share: what a model reads about them, and their limits."""

from typing import Annotated

from pydantic import Field

# About 250,000 tokens: an API's whole description. Larger texts are several texts.
TEXT_CHARS = 1_000_000
# A task's whole description; only its rare words are searched for.
_QUERY_CHARS = 100_000
_SOURCE_CHARS = 500
_NAME_CHARS = 100
_TAGS = 20
HITS = 50
ENTRIES = 100

Scope = Annotated[str, Field(description="Whose memory; leave empty for this build's own")]
Text = Annotated[str, Field(max_length=TEXT_CHARS, description="The text itself")]
Query = Annotated[
    str, Field(min_length=1, max_length=_QUERY_CHARS, description="Words or names, e.g. `parse due date`")
]
Source = Annotated[
    str,
    Field(
        min_length=1,
        max_length=_SOURCE_CHARS,
        description="Where it comes from: a path or URL, e.g. `src/todo/storage.py`",
    ),
]
AnySource = Annotated[str, Field(max_length=_SOURCE_CHARS, description="A path or URL; empty for all")]
Task = Annotated[
    str, Field(max_length=_NAME_CHARS, description="The task it belongs to, e.g. `storage`; may be empty")
]
AnyTask = Annotated[str, Field(max_length=_NAME_CHARS, description="Only this task's; empty for all")]
Tags = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=_NAME_CHARS)]],
    Field(max_length=_TAGS, description='Labels to filter by, e.g. ["http"]'),
]
AllTags = Annotated[
    list[Annotated[str, Field(max_length=_NAME_CHARS)]],
    Field(max_length=_TAGS, description="Only what has all of these tags"),
]
EntryId = Annotated[str, Field(max_length=_NAME_CHARS, description="The `id` of an entry or a hit")]
Cursor = Annotated[str, Field(max_length=_NAME_CHARS, description="`next_cursor` of the page before")]
