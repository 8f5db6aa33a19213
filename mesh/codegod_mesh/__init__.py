"""The MCP client side: which servers there are, links to them, and what each task may use of them."""

from codegod_mesh.config import PACKAGED_CONFIG, Config, ConfigFault, find_config, load_config, user_folder
from codegod_mesh.connect import MeshSettings
from codegod_mesh.endpoints import Builtin, Command, Endpoint, Url
from codegod_mesh.link import Link, ServerDown
from codegod_mesh.mesh import Mesh
from codegod_mesh.record import NoRecorder, Recorder, ToolCall
from codegod_mesh.result import CallResult
from codegod_mesh.view import Allocation, AllocationFault, ToolSpec, View

__all__ = [
    "PACKAGED_CONFIG",
    "Allocation",
    "AllocationFault",
    "Builtin",
    "CallResult",
    "Command",
    "Config",
    "ConfigFault",
    "Endpoint",
    "Link",
    "Mesh",
    "MeshSettings",
    "NoRecorder",
    "Recorder",
    "ServerDown",
    "ToolCall",
    "ToolSpec",
    "Url",
    "View",
    "find_config",
    "load_config",
    "user_folder",
]
