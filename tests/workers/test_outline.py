from codegod_workers.outline import outline


def test_an_outline_keeps_signatures_and_loses_bodies() -> None:
    source = '''
LIMIT = 3

class Store:
    """Keeps things."""

    size: int = 0

    def add(self, thing: str, *, at: int = 0) -> int:
        """Add a thing.

        Raises ValueError when it is empty.
        """
        self.size += 1
        return self.size

    def _count(self) -> int:
        return self.size

    async def drop(self) -> None:
        self.size = 0
'''
    shown = outline("a.py", source)
    assert "def add(self, thing: str, *, at: int=0) -> int:" in shown
    assert "Add a thing." in shown
    assert "async def drop(self) -> None:" in shown
    assert "LIMIT = 3" in shown
    assert "self.size += 1" not in shown
    assert "Raises ValueError" in shown
    assert "_count" not in shown


def test_what_is_not_python_or_does_not_parse_is_shown_whole() -> None:
    assert outline("a.sql", "select 1;") == "select 1;"
    assert outline("a.py", "def broken(:\n") == "def broken(:\n"
