"""What a model reads when a thought does not fit its chain."""

from codegod_kit import ToolFault


class ThinkingFault(ToolFault):
    """Any failure of this server that a caller may read."""


class EmptyThought(ThinkingFault):
    """There is nothing in the thought."""

    def __init__(self) -> None:
        super().__init__("The thought is empty. Write the step in `thought`.")


class ThoughtExists(ThinkingFault):
    """The chain has a thought of that number already."""

    def __init__(self, number: int, branch: str, following: int) -> None:
        where = f" in the branch {branch!r}" if branch else ""
        super().__init__(
            f"Thought {number}{where} exists already. To go on, use thoughtNumber {following}. To revise it, set "
            f"isRevision to true and revisesThought to {number}. To begin anew, end this chain first with "
            "nextThoughtNeeded false."
        )
        self.number = number
        self.branch = branch


class UnknownThought(ThinkingFault):
    """A revision or a branch refers to a thought that the chain does not have."""

    def __init__(self, argument: str, number: int, known: list[int]) -> None:
        have = f"The thoughts so far are {_ranges(known)}." if known else "There are no thoughts yet."
        super().__init__(f"{argument} is {number}, and there is no thought {number}. {have}")
        self.argument = argument
        self.number = number


class RevisionOfNothing(ThinkingFault):
    """A revision that does not say of what."""

    def __init__(self) -> None:
        super().__init__(
            "isRevision is true, and revisesThought is missing. Set revisesThought to the number of the thought."
        )


class UnknownBranch(ThinkingFault):
    """A thought of a branch that was never opened."""

    def __init__(self, branch: str, known: list[str]) -> None:
        have = f"The branches are {', '.join(map(repr, known))}. " if known else ""
        super().__init__(
            f"There is no branch {branch!r}. {have}To open it, set branchFromThought to the thought it leaves."
        )
        self.branch = branch


class NamelessBranch(ThinkingFault):
    """A branch that has no name."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"branchFromThought is {number}, and branchId is missing. Set branchId to a name, e.g. `plan-b`."
        )


class TooManyBranches(ThinkingFault):
    """The chain has as many branches as it may."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"This chain has {limit} branches, and no more fit. Go on in one of them.")
        self.limit = limit


class ChainFull(ThinkingFault):
    """The chain holds as much as it may."""

    def __init__(self, thoughts: int, characters: int) -> None:
        super().__init__(
            f"This chain is full: {thoughts} thoughts, {characters} characters. Read it with `thinking_review`, then "
            "begin a new one with thoughtNumber 1 and what you concluded."
        )


class NoThoughts(ThinkingFault):
    """There is nothing to review."""

    def __init__(self) -> None:
        super().__init__("There are no thoughts yet. Begin with `sequentialthinking` and thoughtNumber 1.")


def _ranges(numbers: list[int]) -> str:
    """`1-4, 7` from the sorted numbers."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)
