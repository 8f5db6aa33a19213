"""Which of ruff's rules count here: those that name a defect, not a taste. Good code must pass without knowing them."""

import re

# Sends the work back.
_BLOCKING = """
E722 E902
F402 F404 F406 F407 F501 F502 F503 F504 F505 F506 F507 F508 F509 F521 F522 F523 F524 F525 F601 F602 F621 F622 F631 F632
F633 F634 F701 F702 F704 F706 F707 F722 F811 F821 F822 F823 F901
B002 B003 B004 B005 B006 B008 B012 B015 B016 B017 B018 B020 B021 B022 B023 B025 B029 B030 B031 B032 B035 B039 B909
S102 S105 S106 S107 S110 S113 S201 S202 S301 S302 S306 S307 S311 S323 S324 S501 S502 S505 S506 S507 S602 S605 S609 S702
ASYNC100 ASYNC210 ASYNC212 ASYNC220 ASYNC221 ASYNC222 ASYNC250 ASYNC251
PLE0100 PLE0101 PLE0115 PLE0116 PLE0117 PLE0118 PLE0237 PLE0241 PLE0302 PLE0303 PLE0305 PLE0307 PLE0308 PLE0309 PLE0604
PLE0605 PLE0643 PLE0704 PLE1132 PLE1142 PLE1205 PLE1206 PLE1300 PLE1307 PLE1310 PLE1507 PLE1519 PLE1520 PLE1700 PLE2502
PLE2510 PLE2512 PLE2513 PLE2514 PLE2515
PLW0127 PLW0128 PLW0129 PLW0131 PLW0133 PLW0177 PLW0245 PLW0406 PLW0711 PLW1501 PLW2101
PT010 PT015 PT017 PT026 FAST003 RUF027 T100
"""
# Worth telling.
_ADVICE = "E711 E712 F401 F841 PGH003 PGH004 RUF006 S108 S314 S608 S701 SIM115"
# Tests hold passwords of test accounts, wait for loopback servers and evaluate for the error alone.
_NOT_IN_TESTS = "B015 B018 F401 F841 S105 S106 S107 S108 S110 S113 S301 S311 S314 S324 S608 S701 SIM115"
BLOCKING = frozenset(_BLOCKING.split())
ADVICE = frozenset(_ADVICE.split())
NOT_IN_TESTS = frozenset(_NOT_IN_TESTS.split())
# Whether these are defects depends on what the code is for.
NEEDS_CONTEXT = frozenset({"S311", "S324"})
SETTINGS = (
    # Preview rules only where they are named above.
    "lint.explicit-preview-rules = true",
    # Calls in argument defaults that the frameworks mean so.
    "lint.flake8-bugbear.extend-immutable-calls = ["
    '"fastapi.Depends", "fastapi.Security", "fastapi.Query", "fastapi.Path", "fastapi.Body", "fastapi.Header",'
    '"fastapi.Cookie", "fastapi.File", "fastapi.Form", "typer.Option", "typer.Argument", "click.Option"]',
)
HINTS = {
    "ASYNC251": "Use `await asyncio.sleep(...)`.",
    "B006": "Use None as the default and make the value in the body.",
    "B008": "Use None as the default and call it in the body.",
    "B023": "Give the function the value as an argument default.",
    "E722": "Name the exception that you expect.",
    "F811": "Remove one, or rename it.",
    "F821": "Import or define it.",
    "RUF027": "Put an `f` before the string.",
    "S105": "Read it from the environment.",
    "S106": "Read it from the environment.",
    "S107": "Read it from the environment.",
    "S110": "Name the exception that you expect and handle it.",
    "S113": "Give it a `timeout`.",
    "S311": "Use the module `secrets`.",
    "S324": "Use `hashlib.scrypt` for passwords, SHA-256 for the rest.",
    "S501": "Remove `verify=False`.",
    "T100": "Remove it.",
}
# A value that somebody chose as a password, as opposed to a word that stands under a name like `token`.
_SECRET = re.compile(r"[\"'](?=[^\"']*\d)(?=[^\"']*[A-Za-z])[^\"'\s/{}<>]{8,}[\"']")
# Chance and checksums do for a game and a cache; not for what keeps somebody out.
_GUARDED = re.compile(r"passw|secret|token|session|salt|otp|nonce|api_?key|credential", re.IGNORECASE)
# "/items/{item_id}": the framework fills it in.
_ROUTE = re.compile(r"[\"'][^\"'{}]*/[^\"'{}]*\{\w+(:\w+)?\}")
_FIELD = re.compile(r"\{(\w+)\}")


def is_harmless(code: str, message: str, line: str) -> bool:
    """Whether a finding of a blocking rule, looked at closely, is no more than advice."""
    if code in ("S105", "S106", "S107"):
        return _SECRET.search(line) is None
    if code in ("S602", "S605"):
        return "seems safe" in message
    if code in NEEDS_CONTEXT:
        return _GUARDED.search(line) is None
    if code == "RUF027":
        return _ROUTE.search(line) is not None or any(_is_given(name, line) for name in _FIELD.findall(line))
    return False


def _is_given(name: str, line: str) -> bool:
    """Whether a template's field gets its value beside it, by keyword or from a mapping."""
    return re.search(rf"\b{name}=|[\"']{name}[\"']\s*:", line) is not None
