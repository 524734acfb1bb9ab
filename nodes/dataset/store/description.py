"""`dataset.json`: what a set says of itself. `evaluation/pictures/description.py` reads and checks it for everybody.

It holds the classes and their folders, what decides the pictures (identity and plan), what made them (provenance), and
how they are written. A person may fill in `licence`, and keys of their own stay.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ....evaluation.files import is_there
from ....evaluation.pictures.description import KINDS, ClassEntry, class_entries, read_content, read_json
from ....evaluation.pictures.manifest import DESCRIPTION, FORMAT, VERSION
from .encode import Encoding
from .files import write_description_json
from .names import assign_folders
from .provenance import Provenance


@dataclass(frozen=True, slots=True)
class Copies:
    """Small copies that are kept beside a set: sides in pixels, ascending, and one of evaluation's FILTERS."""

    sizes: tuple[int, ...] = ()
    filter: str = "bicubic"


def parse_sizes(text: str) -> tuple[int, ...]:
    """Sizes of small copies: "32, 64" -> (32, 64).

    Raises:
        ValueError: a part is no whole number from 1 to 4096.
    """
    sizes = []
    for part in text.replace(",", " ").split():
        if not part.isascii() or not part.isdecimal() or not 1 <= int(part[:5]) <= 4096:
            raise ValueError(f"small_copies has {part[:40]!r}; expected sizes from 1 to 4096 such as 32, 64")
        sizes.append(int(part))
    return sorted_sizes(sizes)


@dataclass(frozen=True, slots=True)
class SetSpec:
    """What a set is to be, for one that is made or resumed.

    Args:
        plan: `Plan.to_json()`, whole, so that the set can be made again from dataset.json alone.
        identity: every setting that one set holds one value of: models, sampler, steps, cfg, size. Of the plan,
            templates, wildcards and seed are compared as well; counts, shards and the list of classes may change.
        provenance: what makes it.
        classes: label -> WordNet id ("" when unknown), in order; None takes the plan's.
        encoding: how pictures are written.
        copies: the small copies to be kept beside it.
        licence: of a new set; one that is there keeps what its owner filled in.
    """

    plan: Mapping[str, Any]
    identity: Mapping[str, Any]
    provenance: Provenance = field(default_factory=Provenance)
    classes: Mapping[str, str] | None = None
    encoding: Encoding = field(default_factory=Encoding)
    copies: Copies = field(default_factory=Copies)
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """The contents of dataset.json.

    Args:
        revision: rises when items are marked, so that nodes downstream notice.
        pictures: so many lines at least its manifest had when it was written last; fewer, and it was cut.
        created: UTC, as 2026-01-31T12:00:00Z.
        licence: for the owner to fill in.
        identity, plan, provenance, encoding, copies: see SetSpec.
        extra: keys that a user added; they are carried along.
    """

    name: str
    revision: int
    pictures: int
    created: str
    licence: str
    classes: tuple[ClassEntry, ...]
    identity: Mapping[str, Any]
    plan: Mapping[str, Any]
    provenance: Provenance
    encoding: Encoding
    copies: Copies
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def new(cls, name: str, identity: Mapping[str, Any]) -> Description:
        """Of a set without classes and pictures."""
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return cls(name, 0, 0, created, "", (), identity, {}, Provenance(), Encoding(), Copies())

    @property
    def folders(self) -> dict[str, str]:
        """label -> folder, in the set's order of classes."""
        return {entry.label: entry.folder for entry in self.classes}

    @property
    def synsets(self) -> dict[str, str]:
        """label -> WordNet id, "" when unknown."""
        return {entry.label: entry.synset for entry in self.classes}

    @property
    def copy_of(self) -> str:
        """Name of the set that this one holds small copies of, "" for any other set."""
        return str(self.identity.get("copy_of", ""))

    def with_classes(self, synsets: Mapping[str, str]) -> Description:
        """With the classes of `synsets` (label -> WordNet id) as well; a class that is there keeps its folder."""
        folders = assign_folders(synsets, self.folders)
        all_synsets = self.synsets
        all_synsets |= {label: synset for label, synset in synsets.items() if synset or label not in all_synsets}
        extras = {entry.label: entry.extra for entry in self.classes}
        classes = tuple(
            ClassEntry(label, folder, all_synsets[label], extras.get(label, {})) for label, folder in folders.items()
        )
        return replace(self, classes=classes)

    def to_json(self) -> dict[str, Any]:
        """The content of dataset.json, with the keys that a user added."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "name": self.name,
            "revision": self.revision,
            "pictures": self.pictures,
            "created": self.created,
            "licence": self.licence,
            "classes": [entry.to_json() for entry in self.classes],
            "identity": self.identity,
            "encoding": asdict(self.encoding),
            "copies": asdict(self.copies),
            "plan": self.plan,
            "provenance": self.provenance.to_json(),
            **self.extra,
        }


def read_description(root: Path) -> Description:
    """What the dataset.json of the set in `root` says.

    Raises:
        ValueError: it is missing, damaged, of another version or not of this pack.
    """
    content = read_content(root)
    parts = {name: content[name] for name in KINDS}
    parts["classes"] = class_entries(content)
    parts["provenance"] = Provenance.from_json(content["provenance"])
    parts["encoding"] = Encoding(**content["encoding"])
    parts["copies"] = Copies(sorted_sizes(content["copies"]["sizes"]), content["copies"]["filter"])
    extra = {name: value for name, value in content.items() if name not in (*KINDS, "format", "version")}
    return Description(**parts, extra=extra)


def read_revision(root: Path) -> int:
    """The revision of the set in `root`; -1 where there is none. For fingerprints: never raises."""
    try:
        return read_description(root).revision
    except (OSError, ValueError):
        return -1


def write_description(root: Path, work: Path, description: Description) -> None:
    """Replace the dataset.json of the set in `root` whole; `work` is its work folder."""
    write_description_json(root, work, description.to_json())


def mark_folder(folder: Path, kind: str, owner: str) -> None:
    """Give a folder that is no set a dataset.json that says that it is ours and of which set, if it has none."""
    if not is_there(folder / DESCRIPTION):
        write_description_json(folder, folder, {"format": f"{FORMAT}.{kind}", "version": VERSION, "of": owner})


def is_marked(folder: Path) -> bool:
    """Whether a folder is a set of ours or one of the folders beside it.

    Raises:
        ValueError: its dataset.json is damaged, so that nobody can say.
        OSError: it cannot be read.
    """
    return is_there(folder / DESCRIPTION) and str(read_json(folder / DESCRIPTION).get("format")).startswith(FORMAT)


def is_beside(folder: Path, owner: str) -> bool:
    """Whether a folder is one of those beside the set `owner`; small copies aside, which are a set themselves.

    Raises:
        ValueError, OSError: as `is_marked` does.
    """
    return is_marked(folder) and read_json(folder / DESCRIPTION).get("of") == owner


def change_owner(folder: Path, former: str, owner: str) -> bool:
    """Make a folder beside the set `former` one of the set `owner`; whether it was one of the former's, or is now.

    Raises:
        ValueError: its dataset.json is damaged.
        OSError: it cannot be read or written.
    """
    if not is_marked(folder):
        return False
    content = read_json(folder / DESCRIPTION)
    if content.get("format") == FORMAT:  # small copies are a set like any other
        copies = read_description(folder)
        if copies.copy_of in (former, owner):
            name = f"{owner}{folder.name.removeprefix(former)}"
            changed = replace(copies, name=name, identity={**copies.identity, "copy_of": owner})
            write_description(folder, folder, changed)
            return True
    elif content.get("of") in (former, owner):
        write_description_json(folder, folder, {**content, "of": owner})
        return True
    return False


def sorted_sizes(sizes: Iterable[int]) -> tuple[int, ...]:
    """Each size once, ascending."""
    return tuple(sorted(set(sizes)))
