"""What a contract derived from finished Python looks like."""

import ast
import inspect
import sys
import types
from typing import Any

import pytest

from codegod_simulator.importing import needed_at_import
from codegod_simulator.stubs import empty_bodies
from codegod_simulator.unused_imports import wanted_outside


def loaded(source: str, name: str = "derived") -> types.ModuleType:
    """`source`, imported."""
    module = types.ModuleType(name)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        exec(compile(source, name, "exec"), module.__dict__)  # noqa: S102 - these sources stand in this file
    finally:
        del sys.modules[name]
    return module


def test_what_is_declared_stays_and_what_is_done_goes() -> None:
    source = '''"""Storage."""

from dataclasses import dataclass, field

LIMIT = 10  # enough


@dataclass(frozen=True)
class Item:
    """One thing."""

    name: str
    tags: list[str] = field(default_factory=list)  # in order

    @property
    def shout(self) -> str:
        """The name, loud."""
        # upper case is loud
        return self.name.upper()

    @classmethod
    def of(cls, name: str, *, limit: int = LIMIT) -> "Item":
        def inner() -> str:
            return name[:limit]

        return cls(inner())


async def fetch(
    name: str,  # of the item
) -> Item:
    return Item(name)
'''
    assert (
        empty_bodies("src/storage.py", source)
        == '''"""Storage."""

from dataclasses import dataclass, field

LIMIT = 10  # enough


@dataclass(frozen=True)
class Item:
    """One thing."""

    name: str
    tags: list[str] = field(default_factory=list)  # in order

    @property
    def shout(self) -> str:
        """The name, loud."""
        raise NotImplementedError

    @classmethod
    def of(cls, name: str, *, limit: int = LIMIT) -> "Item":
        raise NotImplementedError


async def fetch(
    name: str,  # of the item
) -> Item:
    raise NotImplementedError
'''
    )


def test_bodies_that_say_nothing_stay() -> None:
    source = '''from abc import ABC, abstractmethod
from typing import Protocol, overload


class Reader(Protocol):
    def read(self) -> str: ...


class Base(ABC):
    @abstractmethod
    def run(self) -> None:
        """Run."""

    def close(self) -> None:
        pass


class Plain:
    """Nothing but words."""


class Failed(Exception):
    pass


@overload
def one(value: int) -> int: ...
@overload
def one(value: str) -> str: ...
def one(value: int | str) -> int | str:
    return value
'''
    emptied = empty_bodies("a.py", source)
    assert emptied == source.replace("    return value\n", "    raise NotImplementedError\n")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(): return 1\n", "def f(): raise NotImplementedError\n"),
        ("def žluť(): x = 'ů'; return x\n", "def žluť(): raise NotImplementedError\n"),
        ("def f(\n    a,\n): return (\n    a\n)\n", "def f(\n    a,\n): raise NotImplementedError\n"),
        (
            "def f():\n    'doc'\n\n    @d\n    def g(): ...\n    return g\n",
            "def f():\n    'doc'\n    raise NotImplementedError\n",
        ),
        ("def f():\n\treturn 1  # tab\n\n\nX = 1", "def f():\n\traise NotImplementedError\n\n\nX = 1\n"),
        ("def f():\n    return '''a\x0cb\n'''\n", "def f():\n    raise NotImplementedError\n"),
        (
            "if True:\n    def f():\n        return 1\nelse:\n    f = None\n",
            "if True:\n    def f():\n        raise NotImplementedError\nelse:\n    f = None\n",
        ),
        ("f = lambda x: x + 1\n", "f = lambda x: x + 1\n"),
    ],
)
def test_every_layout_of_a_body_is_cut_cleanly(source: str, expected: str) -> None:
    emptied = empty_bodies("a.py", source)
    assert emptied == expected
    ast.parse(emptied)


async def test_a_generator_stays_a_generator() -> None:
    source = """
from contextlib import asynccontextmanager, contextmanager

def numbers():
    yield from range(3)

async def ticks():
    while True:
        yield 1

@asynccontextmanager
async def opened():
    yield 1

@contextmanager
def plain(): yield 1

def not_one():
    def inner():
        yield 1
    return inner
"""
    module: Any = loaded(empty_bodies("a.py", source))
    assert inspect.isgeneratorfunction(module.numbers)
    assert inspect.isasyncgenfunction(module.ticks)
    assert not inspect.isgeneratorfunction(module.not_one)
    with pytest.raises(NotImplementedError):
        list(module.numbers())
    with pytest.raises(NotImplementedError):
        async for _ in module.ticks():
            pass
    with pytest.raises(NotImplementedError):
        async with module.opened():
            pass
    with pytest.raises(NotImplementedError), module.plain():
        pass


def test_pydantic_models_and_enums_stay_importable() -> None:
    source = """
from enum import Enum
from typing import Annotated
from pydantic import AfterValidator, BaseModel, ConfigDict, computed_field, field_validator, model_validator

def camel(name: str) -> str:
    return name.title()

def positive(value: int) -> int:
    return abs(value)

class Planet(Enum):
    EARTH = (1, 2)

    def __init__(self, mass: int, radius: int) -> None:
        self.mass = mass

    def gravity(self) -> int:
        return self.mass

class Order(BaseModel):
    model_config = ConfigDict(alias_generator=camel)
    amount: Annotated[int, AfterValidator(positive)] = 1

    @field_validator("amount")
    @classmethod
    def check(cls, value: int) -> int:
        return value

    @model_validator(mode="after")
    def whole(self) -> "Order":
        return self

    @computed_field
    @property
    def total(self) -> int:
        return self.amount
"""
    keep = needed_at_import({"a.py": source})["a.py"]
    assert keep == {"camel", "Planet.__init__"}
    module: Any = loaded(empty_bodies("a.py", source, keep=keep))
    with pytest.raises(NotImplementedError):
        module.Planet.EARTH.gravity()
    with pytest.raises(NotImplementedError):
        module.Order(Amount=1)


def test_what_runs_while_importing_stays_across_modules() -> None:
    sources = {
        "src/shop/__init__.py": "from shop.registry import Registry\n",
        "src/shop/registry.py": """
class Registry:
    def __init__(self) -> None:
        self.found = self._fresh()

    def _fresh(self) -> dict[str, object]:
        return {}

    def add(self, name: str):
        def keep(function):
            self.found[name] = function
            return function
        return keep

    def run(self, name: str) -> object:
        return self.found[name]

registry = Registry()
""",
        "src/shop/settings.py": """
class Settings:
    def __init__(self, port: int) -> None:
        self.port = port

    @classmethod
    def read(cls) -> "Settings":
        return cls(_port())

    def save(self) -> None:
        print(self.port)

def _port() -> int:
    return 80

def unused() -> int:
    return 1
""",
        "src/shop/commands.py": """
from .registry import registry
from . import settings as config

SETTINGS = config.Settings.read()

@registry.add("sell")
def sell() -> None:
    print("sold")

def main() -> None:
    registry.run("sell")

if __name__ == "__main__":
    main()
""",
        "src/shop/__main__.py": "from shop.commands import main\nraise SystemExit(main())\n",
    }
    assert needed_at_import(sources) == {
        "src/shop/__init__.py": frozenset(),
        "src/shop/registry.py": {"Registry.__init__", "Registry._fresh", "Registry.add"},
        "src/shop/settings.py": {"Settings.read", "Settings.__init__", "_port"},
        "src/shop/commands.py": frozenset(),
        "src/shop/__main__.py": frozenset(),
    }


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("def f():\n    return 1\nX = f()\n", {"f"}),
        ("def f():\n    return g()\ndef g():\n    return 1\ndef h(x=f()):\n    return 1\n", {"f", "g"}),
        ("def f(k):\n    return k\nX = sorted([2, 1], key=f)\n", {"f"}),
        ("def f(k):\n    return k\nX = list(map(f, [1]))\n", {"f"}),
        ("def f(k):\n    return k\nX = {'a': f}\n", set()),
        (
            "class M(type):\n    def __new__(cls, *a):\n        return type.__new__(cls, *a)\n    def other(cls):\n        return 1\n",
            {"M.__new__"},
        ),
        (
            "class B:\n    def __init_subclass__(cls) -> None:\n        cls.x = 1\nclass C(B):\n    pass\n",
            {"B.__init_subclass__"},
        ),
        ("import os\nclass S:\n    def get(self):\n        return 1\nX = os.environ.get('X')\n", set()),
        ("def f():\n    return 1\nif __name__ == '__main__':\n    f()\n", set()),
        ("def f():\n    return 1\ntry:\n    X = f()\nexcept ValueError:\n    X = 0\n", {"f"}),
        ("def f():\n    return 1\nX = lambda: f()\n", set()),
        (
            "class A(B):\n    def __init__(self):\n        pass_()\nclass B(A):\n    def __str__(self):\n        return ''\nX = A()\n"
            "def pass_():\n    return 1\n",
            {"A.__init__", "pass_"},
        ),
        (
            "@dataclass\nclass A:\n    x: int = field(default_factory=f)\n    y: int = field(default_factory=lambda: g())\n"
            "    def __post_init__(self):\n        h()\n"
            "def f():\n    return 1\ndef g():\n    return 1\ndef h():\n    return 1\n",
            set(),
        ),
        (
            "@dataclass\nclass A:\n    x: int = field(default_factory=f)\n    y: int = field(default_factory=lambda: g())\n"
            "    def __post_init__(self):\n        h()\n"
            "def f():\n    return 1\ndef g():\n    return 1\ndef h():\n    return 1\nX = A()\n",
            {"f", "g", "h", "A.__post_init__"},
        ),
        (
            "class A(BaseModel):\n    x: Annotated[int, AfterValidator(f)] = 1\n"
            "    @field_validator('x')\n    def check(cls, x):\n        return x\n    def other(self):\n        return 1\n"
            "def f(x):\n    return x\nX = A(x=1)\n",
            {"f", "A.check"},
        ),
        ("def __getattr__(name):\n    return name\n", {"__getattr__"}),
    ],
)
def test_only_what_importing_runs_is_kept(source: str, kept: set[str]) -> None:
    assert needed_at_import({"a.py": source})["a.py"] == kept


def test_circular_imports_do_not_confuse_it() -> None:
    sources = {"a.py": "from b import f\nf()\n", "b.py": "from a import f\n"}
    assert needed_at_import(sources) == {"a.py": frozenset(), "b.py": frozenset()}


def test_an_import_that_only_bodies_used_goes() -> None:
    source = """import json
import os
import re as regex
import side_effect
from typing import TYPE_CHECKING, Any, cast
if TYPE_CHECKING:
    from decimal import Decimal

def f(a: Any) -> "regex.Pattern[str]":
    b = cast(Decimal, os.sep)
    return json.loads(b)
"""
    expected = """import re as regex
import side_effect
from typing import TYPE_CHECKING, Any
if TYPE_CHECKING:
    pass

def f(a: Any) -> "regex.Pattern[str]":
    raise NotImplementedError
"""
    assert empty_bodies("a.py", source) == expected


def test_a_group_of_imports_that_goes_takes_its_blank_line_along() -> None:
    source = "import json\n\nimport shop.a\nimport shop.b\n\n\ndef f(x: json.JSONDecoder) -> int:\n    return shop.a.f()\n"
    expected = "import json\n\n\ndef f(x: json.JSONDecoder) -> int:\n    raise NotImplementedError\n"
    assert empty_bodies("a.py", source) == expected


def test_an_import_that_others_reach_through_the_module_stays() -> None:
    source = "import json\nimport time\n\n\ndef f() -> str:\n    time.sleep(1)\n    return json.dumps(1)\n"
    sources = {
        "src/shop/slow.py": source,
        "tests/test_slow.py": "def test(m):\n    m.setattr('shop.slow.time.sleep', 1)\n",
    }
    wanted = wanted_outside(sources)["src/shop/slow.py"]
    emptied = empty_bodies("src/shop/slow.py", source, wanted_outside=wanted)
    assert emptied == "import time\n\n\ndef f() -> str:\n    raise NotImplementedError\n"


def test_the_imports_of_a_package_are_there_for_others() -> None:
    source = "from shop.slow import f\n\n\ndef g() -> int:\n    return f()\n"
    assert empty_bodies("shop/__init__.py", source).startswith("from shop.slow import f\n")


def test_the_tests_of_a_test_module_are_left_out() -> None:
    source = '''import pytest

from shop import f


@pytest.fixture
def thing():
    yield f()


def test_one(thing):
    assert thing


class TestMany:
    """Many."""

    def test_two(self):
        assert f()


class Plain:
    """Stays."""
'''
    expected = '''import pytest


@pytest.fixture
def thing():
    raise NotImplementedError
    yield


class Plain:
    """Stays."""
'''
    assert empty_bodies("tests/test_shop.py", source) == expected


def test_what_is_not_python_is_named() -> None:
    with pytest.raises(SyntaxError):
        empty_bodies("a.py", "def f(:\n")
