"""Whose chain is whose.

A grant's build has one chain, whoever of its tasks asks. Without grants the connection has one: over stdio and in-process
that is the server's lifespan, over HTTP the session that the client names. The newest protocol has no sessions; there
the client's address and name tell callers apart, which is no more than a convenience.
"""

from collections import OrderedDict
from typing import Any

from mcp.server.mcpserver import Context

from codegod_kit import current_grant
from codegod_thinking.chain import Chain, Thought

# What several busy builds and hosts have open; each holds half a megabyte of text at most.
CHAINS = 64

Caller = tuple[str, ...]


class Chains:
    """The chains of all callers; the one unused for longest goes first."""

    def __init__(self) -> None:
        self._chains: OrderedDict[Caller, Chain] = OrderedDict()

    def find(self, caller: Caller) -> Chain:
        """The chain of `caller`, new if there is none."""
        chain = self._chains.setdefault(caller, Chain())
        self._chains.move_to_end(caller)
        if len(self._chains) > CHAINS:
            self._chains.popitem(last=False)
        return chain

    def for_next(self, caller: Caller, thought: Thought) -> Chain:
        """The chain that `thought` goes on: a first thought after the last one, or in a full chain, begins a new one."""
        chain = self.find(caller)
        begins = thought.number == 1 and not thought.branch and not thought.revises
        if begins and (chain.finished or chain.full) and thought != chain.thoughts[-1]:
            chain = self._chains[caller] = Chain()
        return chain


def caller_of(context: Context[Any, Any]) -> Caller:
    """Who is asking."""
    if grant := current_grant():
        return ("build", grant.build)
    headers = context.headers
    if headers is None:
        return ("connection",)
    if session := headers.get("mcp-session-id"):
        return ("session", session)
    request = context.request_context.request
    client = getattr(request, "client", None)
    params = context.session.client_params
    name = "" if params is None else f"{params.client_info.name} {params.client_info.version}"
    return ("address", "" if client is None else str(client.host), name)
