"""What a call gave, in the form that models and workers take."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mcp_types import (
    AudioContent,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)
from pydantic_core import to_json

from codegod_kit import RESULT_LIMIT_BYTES


@dataclass(frozen=True, slots=True)
class CallResult:
    """Text for a model, and structured data where the tool gives some."""

    is_error: bool
    text: str
    data: dict[str, Any] | None = None


def read_result(name: str, result: CallToolResult) -> CallResult:
    """The wire's result as a `CallResult`; one beyond the limit of all results is an error."""
    # Our servers keep to the limit themselves; somebody else's may not.
    size = len(to_json(result, by_alias=True, exclude_none=True))
    if size > RESULT_LIMIT_BYTES:
        return CallResult(True, f"The result of `{name}` has {size} bytes; {RESULT_LIMIT_BYTES} is the most.")
    text = "\n".join(_texts(result.content))
    return CallResult(bool(result.is_error), text, result.structured_content)


def _texts(blocks: list[ContentBlock]) -> Iterator[str]:
    for block in blocks:
        match block:
            case TextContent():
                yield block.text
            case ResourceLink():
                yield f"[{block.name}: {block.uri}]"
            case EmbeddedResource(resource=TextResourceContents() as resource):
                yield resource.text
            case EmbeddedResource():
                yield f"[{block.resource.mime_type or 'binary'}: {block.resource.uri}]"
            case ImageContent() | AudioContent():
                yield f"[{block.mime_type}, not shown]"
