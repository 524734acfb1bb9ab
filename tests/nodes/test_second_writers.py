"""Whoever writes a folder that another process is writing is told who is at it, and changes nothing there."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hyponet.evaluation.lock import AnotherWriter, only_writer
from hyponet.evaluation.pictures.sources.download import download
from hyponet.evaluation.report.build import build_report
from hyponet.evaluation.report.write import write_report
from hyponet.evaluation.training.settings import Settings
from hyponet.evaluation.training.train import train
from hyponet.nodes.dataset.export.formats import EXPORTS, Exported, export
from hyponet.nodes.dataset.split import Shares, split
from hyponet.nodes.dataset.store.lock import SetIsHeld
from hyponet.nodes.dataset.store.store import DatasetStore
from hyponet.nodes.lora.captioning.folder import template_captioner, write_folder
from hyponet.nodes.prompts.wildcards.save import write_options
from tools.dev.pack import LOAD_PACK

from ..evaluation.sample_pictures import colours
from .dataset.sample_sets import generate, open_set

SLOW_WRITER = (
    LOAD_PACK
    + """
from pathlib import Path
from hyponet.nodes.dataset.export.formats import export
from hyponet.nodes.dataset.store.store import DatasetStore

def wait(done, total):
    print(done, flush=True)
    sys.stdin.readline()

root, form = Path(sys.argv[1]), sys.argv[2]
export(
    DatasetStore.open(root), root.parent / "exports", "pets", form,
    shard_size=4, include_fallbacks=False, progress=wait,
)
"""
)


@pytest.fixture
def pets(tmp_path):
    with open_set(tmp_path) as store:
        generate(store)
    return store.root


def finished(root: Path, form: str) -> Exported:
    store = DatasetStore.open(root)
    return export(
        *(store, root.parent / "exports", "pets", form),
        **{"shard_size": 4, "include_fallbacks": False, "progress": lambda done, total: None},
    )


def exported(root: Path, form: str) -> Path:
    return finished(root, form).folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("form", EXPORTS)
def test_of_two_exports_at_once_one_does_it_and_the_other_says_who_is_at_it(pets, form):
    """The regression: the second deleted the first one's folder, and the first reported success with files missing."""
    first = subprocess.Popen(
        [sys.executable, "-c", SLOW_WRITER, str(pets), form], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert first.stdout.readline() == "1\n"
        before = contents(pets.parent / "exports")
        holder = f"data set 'pets' as {form} is being written by process {first.pid} on {platform.node()} since"
        with pytest.raises(AnotherWriter, match=re.escape(holder)):
            exported(pets, form)
        assert contents(pets.parent / "exports") == before
        first.communicate("\n" * 8, timeout=60)
    finally:
        first.kill()
        first.wait()
    assert first.returncode == 0
    (alone,) = (pets.parent / "exports").iterdir()
    assert exported(pets, form).name == f"{alone.name}-2"
    assert contents(alone).keys() == contents(alone.with_name(f"{alone.name}-2")).keys()


@pytest.mark.parametrize("form", EXPORTS)
def test_what_a_killed_export_left_is_checked_and_made_whole_by_the_next_which_says_so(pets, form):
    """Killed while six of eight pictures are out, in shards of four.

    A zip has its table at its end alone, and a CSV has no end: both are written anew.
    """
    first = subprocess.Popen(
        [sys.executable, "-c", SLOW_WRITER, str(pets), form],
        **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True},
    )
    for done in range(1, 7):
        assert first.stdout.readline() == f"{done}\n"
        if done < 6:
            first.stdin.write("\n")
            first.stdin.flush()
    first.kill()
    first.communicate()
    folder, said = finished(pets, form)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    kept = {"WebDataset tar shards": 4, "Parquet (Hugging Face)": 4, "captions for LoRA trainers": 6}.get(form, 0)
    if kept:
        assert said == f"{kept} of them are from an export that had been stopped, compared with the set."
    else:
        assert said.endswith("had been stopped; nothing that it left could be used, all was written anew.")
    whole, said = finished(pets, form)
    assert said == ""
    assert unpacked(folder) == unpacked(whole)


def unpacked(folder: Path) -> dict[str, bytes]:
    """What is in a folder; of a zip, which tells the time of its making, what is in that."""
    files = contents(folder)
    for path in folder.glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        assert len(files) == 9, "eight pictures and metadata.jsonl"
    return files


def test_two_forms_of_one_set_may_be_written_at_once(pets):
    with only_writer(pets.parent / "exports" / "imagefolder", "the zip"):
        assert exported(pets, EXPORTS[3]).is_dir()


def test_two_splits_at_once(pets):
    with open_set(pets.parent, "pets-train"), pytest.raises(SetIsHeld, match=f"by process {os.getpid()} on "):
        split(DatasetStore.open(pets), pets.parent, "pets", Shares(1, 0, 0), 0)


def save_wildcard(folder: Path) -> None:
    write_options(folder / "color.txt", ["red", "blue"], overwrite=True)


def caption(folder: Path) -> None:
    write_folder(folder, [np.zeros((8, 8, 3), np.uint8)], ["cat"], template_captioner("a {label}"), "template")


def report(folder: Path) -> None:
    write_report(folder, build_report([], "a report"))


def train_classifier(folder: Path) -> None:
    train(colours(), Settings(size=16, epochs=1, batch_size=8), folder)


def test_a_folder_that_is_being_downloaded_is_left_alone(tmp_path: Path) -> None:
    """Two graphs that both fetch a data set: each unpacked over the other's files."""
    with only_writer(tmp_path / "cifar", "it"), pytest.raises(AnotherWriter, match="the folder of CIFAR-10, 'cifar',"):
        download("CIFAR-10", tmp_path / "cifar")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [save_wildcard, caption, report, train_classifier])
def test_a_folder_that_is_being_written_is_left_alone(tmp_path: Path, write: Callable[[Path], None]) -> None:
    folder = tmp_path / "mine"
    with only_writer(folder, "it"):
        with pytest.raises(AnotherWriter, match=f"is being written by process {os.getpid()} on .* wait for it"):
            write(folder)
        assert not folder.exists() or not list(folder.iterdir())
    write(folder)
    assert list(folder.iterdir())
    assert [path.name for path in tmp_path.iterdir()] == ["mine"], "the lock's file is gone"
