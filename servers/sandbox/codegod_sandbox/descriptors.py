"""File descriptors that are handed to one child process and closed here afterwards."""

import os
from types import TracebackType
from typing import Self


class Descriptors:
    """Opens what a child is given; leaving the context closes whatever has not been kept."""

    def __init__(self) -> None:
        self._given: list[int] = []
        self._kept: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_given()
        for descriptor in self._kept:
            os.close(descriptor)
        self._kept.clear()

    @property
    def given(self) -> tuple[int, ...]:
        """What the child inherits."""
        return tuple(self._given)

    def give(self, descriptor: int) -> int:
        """Hand an open descriptor to the child."""
        self._given.append(descriptor)
        return descriptor

    def data(self, content: bytes) -> int:
        """A descriptor from which the child reads `content`."""
        descriptor = self.give(os.memfd_create("codegod", os.MFD_CLOEXEC))
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor

    def from_child(self) -> tuple[int, int]:
        """A pipe: our end to read, which does not block, and the child's end to write."""
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(ours, False)
        self._kept.append(ours)
        return ours, self.give(theirs)

    def to_child(self) -> tuple[int, int]:
        """A pipe: the child's end to read and our end to write."""
        theirs, ours = os.pipe2(os.O_CLOEXEC)
        self._kept.append(ours)
        return self.give(theirs), ours

    def keep(self, descriptor: int) -> int:
        """Close `descriptor` at the end as well."""
        self._kept.append(descriptor)
        return descriptor

    def close_given(self) -> None:
        """The child has been started: our copies of its descriptors can go."""
        for descriptor in self._given:
            os.close(descriptor)
        self._given.clear()
