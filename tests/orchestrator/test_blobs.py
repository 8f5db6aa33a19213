"""Blobs: whole or not there, once, and checked when they are read."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codegod_orchestrator.blobs import INLINE_LIMIT_CHARS, BlobDamaged, BlobMissing, Blobs


def files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 8 * 1024 * 1024])
def test_bytes_come_back(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    digest = Blobs(tmp_path).put(data)
    assert digest == hashlib.sha256(data).hexdigest()
    assert Blobs(tmp_path).get(digest) == data


def test_the_same_bytes_are_kept_once_by_however_many_writers(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        digests = set(pool.map(Blobs(tmp_path).put, [b"same" * 10_000] * 64))
    assert len(digests) == len(files(tmp_path)) == 1


def test_short_texts_stay_in_their_row_and_long_ones_do_not(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    for text in ("", "short", "x" * INLINE_LIMIT_CHARS):
        assert blobs.keep(text) == "=" + text
    assert files(tmp_path) == []
    long = "x" * (INLINE_LIMIT_CHARS + 1)
    assert blobs.kept(blobs.keep(long)) == long
    assert len(blobs.keep(long)) < 100


def test_a_missing_and_a_changed_blob_are_told_apart(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    digest = blobs.put(b"something")
    (file,) = files(tmp_path)
    file.write_bytes(b"something else")
    with pytest.raises(BlobDamaged, match=digest):
        blobs.get(digest)
    file.unlink()
    with pytest.raises(BlobMissing, match=digest):
        blobs.get(digest)


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        Blobs(tmp_path).put(b"something")
    assert files(tmp_path) == []
