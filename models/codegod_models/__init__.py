"""Language models behind one protocol: Anthropic and Ollama, with their limits, prices and failures made plain.

Importing this package loads no client library; `open_provider` does.
"""

from codegod_models.faults import (
    BadModelName,
    BadSetting,
    Busy,
    ConnectionLost,
    GaveUp,
    KeyRefused,
    MissingKey,
    ModelFault,
    NotBuilt,
    NotPulled,
    OutOfTime,
    PromptCut,
    PromptTooLong,
    RequestRefused,
    Stalled,
    StreamCut,
    ToolCallInvalid,
    TransientFault,
    UnknownModel,
    Unreachable,
)
from codegod_models.fit import estimate_tokens, request_tokens
from codegod_models.names import ModelName, ProviderKind, parse_model
from codegod_models.opening import open_provider
from codegod_models.price import Price, cost, price_of
from codegod_models.provider import (
    Done,
    Event,
    Message,
    ModelInfo,
    ModelReply,
    ModelRequest,
    Provider,
    Stop,
    TextPart,
    ToolSpec,
    ToolUse,
    Usage,
)
from codegod_models.retry import complete
from codegod_models.settings import ModelSettings

__all__ = [
    "BadModelName",
    "BadSetting",
    "Busy",
    "ConnectionLost",
    "Done",
    "Event",
    "GaveUp",
    "KeyRefused",
    "Message",
    "MissingKey",
    "ModelFault",
    "ModelInfo",
    "ModelName",
    "ModelReply",
    "ModelRequest",
    "ModelSettings",
    "NotBuilt",
    "NotPulled",
    "OutOfTime",
    "Price",
    "PromptCut",
    "PromptTooLong",
    "Provider",
    "ProviderKind",
    "RequestRefused",
    "Stalled",
    "Stop",
    "StreamCut",
    "TextPart",
    "ToolCallInvalid",
    "ToolSpec",
    "ToolUse",
    "TransientFault",
    "UnknownModel",
    "Unreachable",
    "Usage",
    "complete",
    "cost",
    "estimate_tokens",
    "open_provider",
    "parse_model",
    "price_of",
    "request_tokens",
]
