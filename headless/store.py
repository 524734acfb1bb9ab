"""Sets of workers whose disks nobody else sees, kept as few objects in a store: a folder, or object storage by fsspec.

A delivery of set `s` is `s.<digest>.tar` and, written last, `s.<digest>.done.json`, which says what the other holds: a
delivery without it was broken off, and is not read. Objects are never written twice, so nobody waits for anybody.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from evaluation.files import file_sha256
from evaluation.json_text import parse_json

FORMAT = "hyponet.delivery"
_DONE = ".done.json"
_BOOKS = ("dataset.json", "metadata.jsonl", "rejected.jsonl")  # hold times and machines: may differ between deliveries


class StoreError(ValueError):
    """What lies in the store cannot be used; the message names the object."""


@dataclass(frozen=True)
class Delivery:
    """What a done-file says.

    Args:
        name: of the set, as below output/datasets.
        tar: the object that holds it, beside the done-file.
        size, sha256: of that object.
        files: path in the set -> SHA-256.
    """

    name: str
    tar: str
    size: int
    sha256: str
    files: dict[str, str]
    format: str = FORMAT


class Store:
    """A folder of deliveries.

    Args:
        url: such as "s3://bucket/folder", "file:///mnt/folder", or a path.

    Raises:
        ValueError: fsspec, or what it needs for this kind of address, is not installed, or there is no such kind.
    """

    def __init__(self, url: str) -> None:
        try:
            import fsspec
        except ImportError:
            raise ValueError("--store needs fsspec, which is not installed; pip install 'hyponet[store]'") from None
        try:
            self.files, self.root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:  # what s3 needs is not there, or nobody knows such an address
            raise ValueError(f"--store is {url!r}: {error}") from None
        self.url = url

    def names(self) -> set[str]:
        """Of the sets that have been delivered whole."""
        self.files.invalidate_cache()
        stems = (path.removesuffix(_DONE) for path in self._objects() if path.endswith(_DONE))
        return {stem.rpartition(".")[0] for stem in stems}

    def put(self, folder: Path, name: str) -> Delivery:
        """Deliver the set in `folder`, unless it lies there already; the done-file is the last object written.

        Raises:
            StoreError: a done-file of the set is damaged.
            OSError: this disk or the store refuses.
        """
        files = _digests(folder)
        for delivery in self.deliveries(name):
            if _pictures(delivery.files) == _pictures(files):
                return delivery
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".delivery-") as work:
            tar = Path(work) / "set.tar"
            with tarfile.open(tar, "w") as archive:
                for path in files:
                    archive.add(folder / path, path, recursive=False)
            sha256 = file_sha256(tar)
            stem = f"{name}.{sha256[:16]}"
            delivery = Delivery(name, f"{PurePosixPath(stem).name}.tar", tar.stat().st_size, sha256, files)
            self.files.makedirs(str(PurePosixPath(self._path(stem)).parent), exist_ok=True)
            self.files.put_file(str(tar), self._path(f"{stem}.tar"))
        text = json.dumps(asdict(delivery), ensure_ascii=False, indent=1)
        self.files.pipe_file(self._path(f"{stem}{_DONE}"), text.encode())
        return delivery

    def deliveries(self, name: str) -> list[Delivery]:
        """The deliveries of set `name` that are whole, in the order of their digests.

        Raises:
            StoreError: a done-file is damaged.
        """
        self.files.invalidate_cache()
        stems = [path.removesuffix(_DONE) for path in self._objects() if path.endswith(_DONE)]
        return [self._delivery(f"{stem}{_DONE}", name) for stem in stems if stem.rpartition(".")[0] == name]

    def get(self, name: str, folder: Path) -> int:
        """Fetch set `name` into `folder`, whole or not at all, unless it is there; how many deliveries of it there are.

        Raises:
            StoreError: there is no delivery, it is damaged, or two of them, or one and what is in `folder`, have
                different pictures under one name.
            OSError: this disk or the store refuses.
        """
        deliveries = self.deliveries(name)
        if not deliveries:
            raise StoreError(f"{self.url} has no whole delivery of set {name!r}; run its row again")
        for delivery in deliveries[1:]:
            _refuse_difference(deliveries[0], delivery.tar, delivery.files)
        if folder.exists():
            _refuse_difference(deliveries[0], str(folder), _digests(folder))
        else:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with _new_folder(folder) as part:
                self._unpack(deliveries[0], part)
        return len(deliveries)

    def _objects(self) -> list[str]:
        """Their paths below the store's root."""
        start = len(self._path(""))
        return sorted(str(path)[start:] for path in self.files.find(self.root))

    def _delivery(self, path: str, name: str) -> Delivery:
        try:
            delivery = Delivery(**parse_json(self.files.cat_file(self._path(path))))
            names = [PurePosixPath(file) for file in delivery.files]
            is_sound = delivery.format == FORMAT and delivery.name == name and "/" not in delivery.tar
            if not is_sound or any(file.is_absolute() or ".." in file.parts for file in names):
                raise ValueError
        except (ValueError, TypeError, AttributeError):
            raise StoreError(
                f"{self._path(path)} is damaged; expected the done-file of set {name!r}; delete it"
            ) from None
        return delivery

    def _unpack(self, delivery: Delivery, folder: Path) -> None:
        """Write the files of a delivery below `folder`."""
        path = str(PurePosixPath(self._path(delivery.name)).parent / delivery.tar)
        missing = dict(delivery.files)
        try:
            with self.files.open(path, "rb") as source, tarfile.open(fileobj=source, mode="r|") as archive:
                for member in archive:
                    content = archive.extractfile(member) if member.isfile() else None
                    if content is None or missing.pop(member.name, "") != _copy(content, folder / member.name):
                        raise StoreError(
                            f"{path} is damaged at {member.name!r}; run the row of {delivery.name!r} again"
                        )
        except (tarfile.TarError, FileNotFoundError, EOFError) as error:
            raise StoreError(f"{path} is damaged ({error}); run the row of {delivery.name!r} again") from None
        if missing:
            raise StoreError(f"{path} lacks {min(missing)!r}; run the row of {delivery.name!r} again")

    def _path(self, name: str) -> str:
        return f"{self.root.rstrip('/')}/{name}"


def _digests(folder: Path) -> dict[str, str]:
    """Path -> SHA-256 of the files of a set, but for what its writers keep while they write."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in (".lock", ".part")]
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in paths}


def _refuse_difference(delivery: Delivery, rival: str, files: Mapping[str, str]) -> None:
    """Raise StoreError when `rival`, with `files`, has not the pictures of `delivery`."""
    changed = sorted({path for path, _ in _pictures(delivery.files) ^ _pictures(files)})
    if changed:
        raise StoreError(
            f"{delivery.tar} and {rival} are one set, {delivery.name!r}, but differ in {len(changed):,} files, the "
            f"first {changed[0]!r}; delete the wrong one (of a delivery, its done-file)"
        )


def _pictures(files: Mapping[str, str]) -> set[tuple[str, str]]:
    """Path and SHA-256 of all but the books."""
    return {(path, sha256) for path, sha256 in files.items() if path not in _BOOKS}


def _copy(source: IO[bytes], path: Path) -> str:
    """Write `source` to `path`; its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("xb") as target:
        while block := source.read(1 << 20):
            digest.update(block)
            target.write(block)
    return digest.hexdigest()


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `folder` when the block ends well and is gone when it does not."""
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".fetched-"))
    try:
        yield part
        os.chmod(part, 0o755)
        os.rename(part, folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
