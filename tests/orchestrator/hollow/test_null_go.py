"""What a Go stub becomes when it does nothing: zero values, and nothing else changed."""

import pytest

from codegod_orchestrator.hollow.null_go import nulled

STUB = """\
// Package store keeps items.
package store

import (
	"errors"
	"time"
)

// Item is one.
type Item struct {
	Name string
	When time.Time
}

// New opens the store at path.
func New[T any](path string, options ...string) (*Store[T], error) {
	// the file is read whole
	panic("not implemented")
}

// Store holds items.
type Store[T any] struct{ path string }

func (s *Store[T]) All() []T {
	panic(errors.New("not implemented"))
}

func (s *Store[T]) Len() (count int, err error) {
	panic("not implemented: Len")
}

func (s *Store[T]) Close() {
	panic(`not yet implemented`)
}

func Map[T, U any](all []T, each func(T) U) map[string]U {
	panic("not implemented")
}

var later = func() time.Time { panic("not implemented") }

// Must is finished.
func Must(value int, err error) int {
	if err != nil {
		panic(err)
	}
	return value
}
"""


def test_unfinished_bodies_return_zero_values_of_whatever_they_declare() -> None:
    text = nulled("store.go", STUB)
    for line in (
        "func New[T any](path string, options ...string) (_ *Store[T], _ error) {\n\t// the file is read whole\n\treturn\n}",
        'func (s *Store[T]) All() (_ []T) {\n\t_ = errors.New("not implemented"); return\n}',
        "func (s *Store[T]) Len() (count int, err error) {\n\treturn\n}",
        "func (s *Store[T]) Close() {\n\treturn\n}",
        "func Map[T, U any](all []T, each func(T) U) (_ map[string]U) {\n\treturn\n}",
        "var later = func() (_ time.Time) { return }",
    ):
        assert line in text
    kept = STUB[STUB.index("// Must is finished.") :]
    assert text.endswith(kept)
    assert text[: text.index("// New opens")] == STUB[: STUB.index("// New opens")]


def test_a_text_that_cannot_be_read_is_named_by_its_line() -> None:
    with pytest.raises(SyntaxError, match="line 3"):
        nulled("a.go", "package a\n\nfunc F( {\n}\n")
