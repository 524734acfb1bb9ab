"""Sets of workers whose disks nobody else sees, kept as few objects in a store: a folder, or object storage by fsspec.

A delivery of set `s` is `s.<digest>.tar` and, written last, `s.<digest>.done.json`, which says what the other holds: a
delivery without it was broken off, and is not read. Objects are never written twice, so nobody waits for anybody.
A set may grow, or lose pictures that were marked: of its deliveries the one of the latest revision counts, of these the
one with the most pictures. Of one revision, two different pictures under one name are refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO

from evaluation.files import file_sha256
from evaluation.json_text import parse_json

FORMAT = "hyponet.delivery"
_DONE = ".done.json"


class StoreError(ValueError):
    """What lies in the store cannot be used; the message names the object."""


@dataclass(frozen=True)
class Delivery:
    """What a done-file says.

    Args:
        name: of the set, as below output/datasets.
        tar: the object that holds it, beside the done-file.
        size, sha256: of that object.
        revision: of the set; rises when items are marked.
        files: path in the set -> SHA-256.
    """

    name: str
    tar: str
    size: int
    sha256: str
    revision: int
    files: dict[str, str]
    format: str = FORMAT

    @property
    def pictures(self) -> dict[str, str]:
        """What lies in class folders; beside them lie books, which hold times and machines."""
        return {path: sha256 for path, sha256 in self.files.items() if "/" in path}

    @property
    def age(self) -> tuple[int, int]:
        """Grows with the set."""
        return self.revision, len(self.pictures)


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
            raise ValueError("--store needs fsspec, which is not installed; pip install 'fsspec>=2024.2'") from None
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
        contents = _contents(folder, name)
        for delivery in self.deliveries(name):
            if (delivery.revision, delivery.pictures) == (contents.revision, contents.pictures):
                return delivery
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".delivery-") as work:
            tar = Path(work) / "set.tar"
            with tarfile.open(tar, "w", dereference=True) as archive:
                for path in contents.files:
                    archive.add(folder / path, path, recursive=False)
            sha256 = file_sha256(tar)
            stem = f"{name}.{sha256[:16]}"
            delivery = replace(contents, tar=f"{PurePosixPath(stem).name}.tar", size=tar.stat().st_size, sha256=sha256)
            self.files.makedirs(str(PurePosixPath(self._path(stem)).parent), exist_ok=True)
            self.files.put_file(str(tar), self._path(f"{stem}.tar"))
        text = json.dumps(asdict(delivery), ensure_ascii=False, indent=1)
        # beside it first: a folder shows a file that is half written, which would pass for damage
        self.files.pipe_file(self._path(f"{stem}.part"), text.encode())
        self.files.mv(self._path(f"{stem}.part"), self._path(f"{stem}{_DONE}"))
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
        """Fetch set `name` into `folder`, whole or not at all; how many deliveries of it there are.

        What is there stays if it is the same or newer; what an earlier worker left there half done is replaced.

        Raises:
            StoreError: there is no delivery, it is damaged, or two of one revision, or one and what is in `folder`,
                have different pictures under one name.
            OSError: this disk or the store refuses.
        """
        deliveries = self.deliveries(name)
        if not deliveries:
            raise StoreError(f"{self.url} has no whole delivery of set {name!r}; run its row again")
        latest = max(deliveries, key=lambda delivery: delivery.age)
        local = [_contents(folder, name)] if folder.exists() else []
        for rival in [*deliveries, *local]:
            _refuse_difference(latest, rival)
        if not local or local[0].age < latest.age:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with _new_folder(folder) as part:
                self._unpack(latest, part)
        return len(deliveries)

    def _objects(self) -> list[str]:
        """Their paths below the store's root."""
        start = len(self._path(""))
        return sorted(str(path)[start:] for path in self.files.find(self.root))

    def _delivery(self, path: str, name: str) -> Delivery:
        try:
            delivery = Delivery(**parse_json(self.files.cat_file(self._path(path))))
            is_sound = delivery.format == FORMAT and delivery.name == name and "/" not in delivery.tar
            if not is_sound or not isinstance(delivery.revision, int) or not all(map(_is_inside, delivery.files)):
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
                    # nothing is written that the done-file does not name: its names stay inside the folder
                    expected = missing.pop(member.name, None)
                    content = archive.extractfile(member) if expected and member.isfile() else None
                    if content is None or _copy(content, folder / member.name) != expected:
                        raise StoreError(
                            f"{path} is damaged at {member.name!r}; run the row of {delivery.name!r} again"
                        )
        except (tarfile.TarError, FileNotFoundError, EOFError) as error:
            raise StoreError(f"{path} is damaged ({error}); run the row of {delivery.name!r} again") from None
        if missing:
            raise StoreError(f"{path} lacks {min(missing)!r}; run the row of {delivery.name!r} again")

    def _path(self, name: str) -> str:
        return f"{self.root.rstrip('/')}/{name}"


def _contents(folder: Path, name: str) -> Delivery:
    """The set in `folder` as a delivery that `folder` itself holds, without what writers keep while they write."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in (".lock", ".part")]
    files = {path.relative_to(folder).as_posix(): file_sha256(path) for path in paths}
    revision = 0
    with contextlib.suppress(FileNotFoundError, ValueError, TypeError, KeyError):
        revision = int(parse_json((folder / "dataset.json").read_text("utf-8"))["revision"])
    return Delivery(name, str(folder), 0, "", revision, files)


def _is_inside(path: object) -> bool:
    """Whether a path of a done-file stays inside the set's folder, on Windows too."""
    if not isinstance(path, str) or set(path) & set('\0\\:<>"|?*'):
        return False
    return not PurePosixPath(path).is_absolute() and ".." not in path.split("/")


def _refuse_difference(delivery: Delivery, rival: Delivery) -> None:
    """Raise StoreError when the two are of one revision, and have different pictures under one name."""
    ours, theirs = delivery.pictures, rival.pictures
    changed = sorted(path for path in ours.keys() & theirs.keys() if ours[path] != theirs[path])
    if changed and delivery.revision == rival.revision:
        raise StoreError(
            f"{delivery.tar} and {rival.tar} are one set, {delivery.name!r}, but differ in {len(changed):,} files, the "
            f"first {changed[0]!r}; delete the wrong one (of a delivery, its done-file)"
        )


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
    """A folder to fill, which takes the place of `folder` when the block ends well and is gone when it does not."""
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".fetched-"))
    old = part.with_name(f"{part.name}-old")
    try:
        yield part
        os.chmod(part, 0o755)
        with contextlib.suppress(FileNotFoundError):
            os.rename(folder, old)
        os.rename(part, folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)
