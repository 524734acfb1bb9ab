"""The facts of a set that its card and its Croissant file both state: collected here, rendered there.

Reads a set's description and manifest; writes nothing, and reads no picture.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...evaluation.disk_errors import reading
from ...evaluation.files import is_there
from ...evaluation.pictures.generated_mark import SOURCE_TYPE
from ...evaluation.pictures.making import Making, verdicts_in
from ...evaluation.pictures.manifest import FAILED, FALLBACK, MANIFEST, PASSED, Record
from ..upstream import ModelFile
from .store.provenance import Provenance, model_files
from .store.store import DatasetStore

_BLOCK_BYTES = 1 << 20  # of a manifest that are read at once

STATED_BY_OWNER = ("creator", "url", "citation", "date_published")
"""Keys of dataset.json that its owner may add, each a text; `creator` may be a list of names."""

_USE = "Training and studying image classifiers"
_GENERATED_LIMITS = (
    "The pictures show what the image model takes a class to look like, which is not what it looks like in the world. "
    "Measure on real photos before relying on a classifier trained on them: accuracy on pictures of the same model "
    "says little. Not a record of real places, animals or people."
)
_LIMITS = "The pictures were loaded from files by the graph that saved them; what they show is not known here."
_BIASES = (
    "The biases of the image model and of its training data, which are not part of this set, and those of the prompts: "
    "what a prompt leaves open the model fills in with what it saw most."
)
_OTHER_BIASES = "Those of the pictures that were loaded; none was looked for."
_SENSITIVE = (
    "None was collected. A model may draw persons, names or marks that look like real ones, and nobody checked whether "
    "it does."
)
_OTHER_SENSITIVE = "Not checked: the pictures were loaded from files."


@dataclass(frozen=True, slots=True)
class ClassFact:
    """One class: its label, class folder, WordNet id ("" when unknown) and number of pictures."""

    label: str
    folder: str
    synset: str
    pictures: int


@dataclass(frozen=True, slots=True)
class ManifestFacts:
    """What the lines of a manifest add up to: verdicts of Check Labels; hash and bytes of the whole file."""

    passed: int = 0
    failed: int = 0
    sha256: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class SetFacts:
    """What is said of a set, or of the part of it that an export holds.

    Args:
        making: what made it, and how labels were checked.
        created: UTC, as 2026-01-31T12:00:00Z; "" when unknown.
        version: its first number rises when pictures were marked, its second with each picture.
        fallbacks: pictures that stay although every try was rejected.
        manifest: of a whole set the hash of its manifest as well.
        files: that stand behind the pictures, models and loaded pictures. settings: what the set holds one value of.
        stated: what the owner added, by STATED_BY_OWNER.
        format: how its pictures are written, one of SUFFIX_OF; of a merge some may be written otherwise.
    """

    name: str
    making: Making
    created: str
    version: str
    licence: str
    classes: tuple[ClassFact, ...]
    fallbacks: int
    manifest: ManifestFacts
    files: tuple[ModelFile, ...]
    settings: Mapping[str, Any]
    stated: Mapping[str, Any]
    format: str

    @property
    def pictures(self) -> int:
        """How many there are."""
        return self.making.pictures

    def what(self) -> str:
        """How many of what, and whether a model made them."""
        generated = self.making.is_generated
        count = f"{self.pictures:,}{' generated' * generated} pictures in {len(self.classes)} classes."
        if self.making.is_mixed:
            return (
                f"{count} Some were drawn by an image model, and their files say so (IPTC digital source type: "
                f"{SOURCE_TYPE}); the others were loaded from files and do not."
            )
        if not generated:
            return f"{count} They were loaded from files; none has the mark of pictures that a model made."
        return (
            f"{count} Every picture was drawn by an image model; none is a photo, and each file says so (IPTC digital "
            f"source type: {SOURCE_TYPE})."
        )

    def labelling(self) -> str:
        """Where the labels come from, how they were checked, and how many pictures no try could better."""
        if not self.fallbacks:
            return self.making.labelling()
        return (
            f"{self.making.labelling()} {self.fallbacks:,} stay although every try was rejected and are marked "
            "`fallback`; exports leave them out unless asked."
        )

    def _collection_type(self) -> str:
        if self.making.is_mixed:
            return "Synthetic data, Others"
        return "Synthetic data" if self.making.is_generated else "Others"

    def _format_text(self) -> str:
        return "" if self.making.origins else f", as {self.format}"

    def responsible_ai(self) -> dict[str, str]:
        """Property of Croissant's vocabulary of responsible AI (1.0) -> what is to be said, in its order."""
        generated = self.making.is_generated or self.making.is_mixed
        source = "Synthetic data: pictures sampled from an image model, a prompt each."
        return {
            "dataCollection": f"{self.what()} {self.making.made_by()}",
            "dataCollectionType": self._collection_type(),
            "dataCollectionRawData": source if generated else "Pictures that a graph loaded from files.",
            "dataPreprocessingProtocol": f"Pictures are stored as they were made{self._format_text()}.",
            "dataAnnotationProtocol": self.labelling(),
            "annotationsPerItem": "none by persons; one by the plan",
            "machineAnnotationTools": "Check Labels of HypoNet" if self.making.checked else "none",
            "dataBiases": _BIASES if generated else _OTHER_BIASES,
            "dataLimitations": _GENERATED_LIMITS if generated else _LIMITS,
            "dataUseCases": f"{_USE}: training and validation. Not as a test that stands for real photos.",
            "dataSocialImpact": "Not assessed.",
            "personalSensitiveInformation": _SENSITIVE if generated else _OTHER_SENSITIVE,
            "dataReleaseMaintenancePlan": "None stated; version and hashes tell one state of the set from another.",
        }


def facts_of(store: DatasetStore, records: Sequence[Record] | None = None) -> SetFacts:
    """The facts of the set, or of these pictures of it."""
    description = store.description
    if records is None:
        manifest, counts, fallbacks = manifest_facts(store.root), Counter(store.counts()), store.fallback_count()
        if not store.is_a_line_each:
            passed, failed = _verdicts(store.records())
            manifest = replace(manifest, passed=passed, failed=failed)
    else:
        manifest = ManifestFacts(*_verdicts(records))
        counts = Counter(record.label for record in records)
        fallbacks = sum(record.status == FALLBACK for record in records)
    content = description.to_json()
    return SetFacts(
        name=store.name,
        making=Making.of_set(store.name, content, counts.total(), manifest.passed, manifest.failed),
        created=description.created,
        version=f"{description.revision + 1}.{counts.total()}.0",
        licence=description.licence,
        classes=tuple(
            ClassFact(entry.label, entry.folder, entry.synset, counts[entry.label]) for entry in description.classes
        ),
        fallbacks=fallbacks,
        manifest=manifest,
        files=_files(description.provenance),
        settings=description.identity,
        stated={key: value for key in STATED_BY_OWNER if _is_text(value := description.extra.get(key))},
        format=description.encoding.format,
    )


def _verdicts(records: Iterable[Record]) -> tuple[int, int]:
    """How many of these pictures passed and failed Check Labels."""
    verdicts = Counter(record.check for record in records)
    return verdicts[PASSED], verdicts[FAILED]


def manifest_facts(root: Path) -> ManifestFacts:
    """The sum of a set's manifest, which is read once; the verdicts are those of its lines, each a picture's or not."""
    digest, size, passed, failed = hashlib.sha256(), 0, 0, 0
    path = root / MANIFEST
    if is_there(path):
        with reading(path), path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                block += file.readline()  # up to the end of a line
                verdicts = verdicts_in(block)
                passed, failed = passed + verdicts[0], failed + verdicts[1]
                digest.update(block)
                size += len(block)
    return ManifestFacts(passed, failed, digest.hexdigest(), size)


def _files(provenance: Provenance) -> tuple[ModelFile, ...]:
    """The files behind the pictures, of a merge those of every set, each once."""
    of_merged = [file for origin in provenance.merged for file in model_files(origin.get("models"))]
    return tuple(dict.fromkeys([*provenance.models, *of_merged]))


def _is_text(value: object) -> bool:
    """Whether it is a text that is not empty, or a list of such."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(part, str) and part for part in value)
    return isinstance(value, str) and bool(value.strip())
