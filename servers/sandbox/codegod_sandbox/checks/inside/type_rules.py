"""Which of ty's rules count, and where."""

# Warnings of ty that are defects.
HARD_TYPES = frozenset({"unused-awaitable"})
# Told, and no reason to send the work back: the old way still works.
ADVISED_TYPES = frozenset({"deprecated"})
# The rule that a package cannot be found; without an environment none can.
PACKAGE_RULE = "import-not-found"
HINTS = {
    PACKAGE_RULE: "Declare the package, or import something else.",
    "invalid-implicit-return": "Return a value on every path.",
    "missing-module-member": "Import a name that is there.",
    "missing-union-attribute": "Check for None first.",
    "unresolved-reference": "Import or define it.",
    "unused-awaitable": "Write `await` before it.",
}
# Tests call things wrongly on purpose, and use what may be None because the test would fail if it were.
KNOWN_IN_TESTS = frozenset(
    {PACKAGE_RULE, "missing-module-member", "unresolved-reference", "unused-awaitable", "missing-attribute"}
)
