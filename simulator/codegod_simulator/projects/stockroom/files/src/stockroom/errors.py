"""What can go wrong, in words for people."""


class StockroomError(Exception):
    """Anything that a caller can do something about; its text says what."""


class BadInput(StockroomError):
    """Values that mean no article and no movement; `problems` has a sentence for each field."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(
            "; ".join(f"{field}: {text}" for field, text in problems.items())
        )
        self.problems = problems


class UnknownArticle(StockroomError):
    """No article has this sku."""

    def __init__(self, sku: str) -> None:
        super().__init__(f"there is no article {sku!r}")


class ArticleExists(StockroomError):
    """An article has this sku already."""

    def __init__(self, sku: str) -> None:
        super().__init__(f"the article {sku!r} exists already")


class TooLittleStock(StockroomError):
    """More should go out than there is."""

    def __init__(self, sku: str, wanted: int, there: int) -> None:
        super().__init__(f"{wanted} of {sku!r} are wanted and {there} are there")
