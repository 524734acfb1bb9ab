"""The mark "made by a model" in every file that leaves a set, and in none of real pictures.

Where it stands is read by Pillow, which knows nothing of us; its code is that of IPTC's vocabulary,
https://cv.iptc.org/newscodes/digitalsourcetype/.
"""

from __future__ import annotations

import io
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from hyponet.evaluation.pictures.generated_mark import has_mark, is_drawn
from hyponet.evaluation.pictures.samples import keep_samples, kept_samples
from hyponet.evaluation.pictures.sources.ours import read_ours
from hyponet.nodes.dataset.contact_sheet import SheetSettings, contact_sheet, save_sheet
from hyponet.nodes.dataset.culling.verify import verify
from hyponet.nodes.dataset.export.formats import EXPORTS, export
from hyponet.nodes.dataset.merge import merge
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.split import Shares, split
from hyponet.nodes.dataset.store.description import Copies
from hyponet.nodes.dataset.store.encode import FORMATS, Encoding
from hyponet.nodes.dataset.store.provenance import Provenance
from hyponet.nodes.dataset.store.store import DatasetStore

from .sample_sets import MAKING, generate, open_set, picture

ZIP, TARS, PARQUET, CSV, CAPTIONS = EXPORTS
CODE = b"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
PHOTOS = Provenance(nodes={"images": "LoadImage output 0", "LoadImage.image": "sha256:ab"})


def says_generated(content: bytes) -> bool:
    with Image.open(io.BytesIO(content)) as opened:
        return CODE in opened.info.get("xmp", b"")


def made(tmp_path, name="pets", provenance=MAKING, **more):
    with open_set(tmp_path, name, provenance=provenance, **more) as store:
        generate(store, count=2)
    return DatasetStore.open(store.root)


def pictures_of(folder):
    """Every picture of an export as it goes out, out of archives too."""
    for path in folder.rglob("*"):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                yield from (archive.read(name) for name in archive.namelist() if not name.endswith(".jsonl"))
        elif path.suffix == ".tar":
            with tarfile.open(path) as archive:
                yield from (
                    archive.extractfile(entry).read()
                    for entry in archive
                    if not entry.name.endswith((".cls", ".txt", ".json"))
                )
        elif path.suffix == ".parquet":
            import pyarrow.parquet

            yield from (entry["bytes"] for entry in pyarrow.parquet.read_table(path)["image"].to_pylist())
        elif path.suffix in (".png", ".webp", ".jpg"):
            yield path.read_bytes()


@pytest.mark.parametrize("format", FORMATS)
def test_the_mark_survives_every_export_of_every_format(tmp_path, format):
    store = made(tmp_path, encoding=Encoding(format, text=False))
    for form in (ZIP, TARS, PARQUET, CAPTIONS):
        out = export(
            store, tmp_path / "e", "out", form, shard_size=3, include_fallbacks=False, progress=lambda *_: None
        )
        contents = list(pictures_of(out.folder))
        assert len(contents) == 4
        assert all(map(says_generated, contents))
        assert all(map(has_mark, contents))


@pytest.mark.parametrize("provenance", [MAKING, PHOTOS], ids=["drawn", "photos"])
def test_copies_sheets_merges_and_splits_have_it_as_the_pictures_have_it(tmp_path, provenance):
    """The second provenance is that of a graph Load Image -> Save to Dataset: its pictures are real."""
    generated = provenance is MAKING
    store = made(tmp_path, provenance=provenance, copies=Copies((6,)))
    other = made(tmp_path, "others", provenance, labels=("cat", "dog"), identity={"steps": 3})
    with merge([store, other], tmp_path, "both"):
        pass
    split(store, tmp_path, "pets", Shares(1, 1, 0), 0)
    saved, _ = save_sheet(store, SheetSettings(), contact_sheet(store, SheetSettings()))
    files = [*tmp_path.glob("*/*/*.png"), *tmp_path.glob("*.sheets/card.jpg"), *tmp_path.glob("*.sheets/*.png")]
    folders = {path.relative_to(tmp_path).parts[0] for path in files}
    assert folders >= {"pets", "pets.6px", "both", "pets-train", "pets.sheets"}
    assert saved in map(str, files)
    assert {says_generated(path.read_bytes()) for path in files} == {generated}


@pytest.mark.parametrize("provenance", [MAKING, PHOTOS], ids=["drawn", "photos"])
def test_copies_that_are_made_later_have_it_as_the_files_have_it(tmp_path, provenance):
    """Whatever dataset.json says by then: the file that is copied decides."""
    store = made(tmp_path, provenance=provenance)
    with open_set(tmp_path, copies=Copies((6,))):
        pass
    copies = list((tmp_path / "pets.6px").glob("*/*.png"))
    assert len(copies) == len(store)
    assert {says_generated(path.read_bytes()) for path in copies} == {provenance is MAKING}


@pytest.mark.parametrize("provenance", [MAKING, PHOTOS], ids=["drawn", "photos"])
def test_readers_and_the_card_know_which_they_are(tmp_path, provenance):
    store = made(tmp_path, provenance=provenance)
    data = read_ours(store.root)
    assert data.synthetic.tolist() == [provenance is MAKING] * 4
    keep_samples(data, tmp_path / "samples")
    assert says_generated(kept_samples(tmp_path / "samples", data.content_key)) == (provenance is MAKING)
    card = (store.root / "README.md").read_text("utf-8")
    assert ("- generated\n" in card) == (provenance is MAKING)
    assert ("none is a photo" in card) == (provenance is MAKING)
    assert ("were loaded from files" in card) == (provenance is PHOTOS)


def test_a_merge_of_photos_and_drawn_pictures_says_that_it_is_one(tmp_path):
    """In both orders: the regression took what the first set is for all."""
    drawn, photos = made(tmp_path), made(tmp_path, "photos", PHOTOS, identity={"steps": 3})
    for name, sources in (("first", [drawn, photos]), ("second", [photos, drawn])):
        with merge(sources, tmp_path, name) as both:
            pass
        marks = [says_generated(path.read_bytes()) for path in both.root.glob("*/*.png")]
        assert sorted(marks) == [False] * 4 + [True] * 4
        card = (both.root / "README.md").read_text("utf-8")
        assert "Some were drawn by an image model" in card
        assert "none is a photo" not in card
        assert not read_ours(both.root).synthetic.any(), "which are generated nobody knows by the lines alone"
        assert says_generated((tmp_path / f"{name}.sheets" / "card.jpg").read_bytes())
    with merge([DatasetStore.open(tmp_path / "second"), photos], tmp_path, "again") as again:
        pass
    assert "Some were drawn by an image model" in (again.root / "README.md").read_text("utf-8")


def test_verify_counts_pictures_without_it_in_one_line(tmp_path):
    store = made(tmp_path)
    assert (verify(store, duplicates=True).unmarked, verify(store, duplicates=False).unmarked) == (0, 0)
    assert "mark" not in verify(store, duplicates=False).report()
    Image.fromarray(picture("cat", 0)).save(store.root / "cat" / "000000.png")  # as an editor saves it
    found = verify(store, duplicates=False)
    assert (found.unmarked, found.changed, found.problems()) == (1, [("cat", 0)], 1)
    lines = [line for line in found.report().splitlines() if "mark that a model made it" in line]
    assert lines == ["Without the mark that a model made it (IPTC digital source type): 1."]


def test_real_pictures_are_no_problem_for_verify(tmp_path):
    found = verify(made(tmp_path, provenance=PHOTOS), duplicates=True)
    assert (found.unmarked, found.problems()) == (4, 0)


def test_a_set_that_is_gone_on_with_keeps_the_mark(tmp_path):
    store = made(tmp_path)
    with open_for_writing(store.root) as writable:
        generate(writable, count=3)
    assert {says_generated(path.read_bytes()) for path in store.root.glob("*/*.png")} == {True}


NODES = {
    "a sampler": ({"KSampler.steps": 4, "CheckpointLoaderSimple.ckpt_name": "sha256:aa"}, True),
    "a picture that a sampler changes": ({"LoadImage.image": "sha256:aa", "KSampler.denoise": 0.5}, True),
    "latents of another sampler": ({"LoadImage.image": "sha256:aa", "VAEDecode.samples": "Custom output 0"}, True),
    "a node that nobody knows": ({"SomeApi.prompt": "a cat"}, True),
    "nothing": ({}, True),
    "a picture": ({"LoadImage.image": "sha256:aa"}, False),
    "a picture made large": (
        {"ImageUpscaleWithModel.image": "LoadImage output 0", "LoadImage.image": "sha256:aa"},
        False,
    ),
    "a folder of pictures": ({"LoadImageDataSetFromFolderNode.folder": "photos"}, False),
    "another pack's loader": ({"Load Image Batch.path": "photos"}, False),
    "frames of a video": ({"VHS_LoadVideo.video": "a.mp4"}, False),
    "a set of ours": ({"HypoNetLoadDatasetPictures.size": 0}, True),
    "a checkpoint whose loader has image in its name": ({"ImageOnlyCheckpointLoader.ckpt_name": "sha256:aa"}, True),
}


@pytest.mark.parametrize("name", NODES)
def test_which_graphs_draw(name):
    nodes, expected = NODES[name]
    assert is_drawn({}, nodes) == expected
    assert is_drawn({"steps": 4}, nodes), "Generate Dataset draws, from a picture of Load Image too"


OTHERS = {  # how other programs write it: exiftool an element, Adobe's an attribute, some a resource
    "an element": (b"<Iptc4xmpExt:DigitalSourceType>%s</Iptc4xmpExt:DigitalSourceType>" % CODE, True),
    "an attribute": (b"<rdf:Description Iptc4xmpExt:DigitalSourceType='%s'/>" % CODE, True),
    "a resource": (b'<Iptc4xmpExt:DigitalSourceType rdf:resource="%s"/>' % CODE, True),
    "https": (b"<x:DigitalSourceType>%s</x:DigitalSourceType>" % CODE.replace(b"http:", b"https:"), True),
    "a mix of photo and model": (
        b"<x:DigitalSourceType>%s</x:DigitalSourceType>" % CODE.replace(b"/trained", b"/compositeWithTrained"),
        True,
    ),
    "a photo": (b"<x:DigitalSourceType>%s</x:DigitalSourceType>" % CODE.replace(b"trainedAlg", b"digitalCap"), False),
    "a text that names the code": (b"<dc:description>%s</dc:description>" % CODE, False),
}


@pytest.mark.parametrize("how", OTHERS)
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_the_mark_of_other_programs_is_read(how, format):
    xmp, expected = OTHERS[how]
    out = io.BytesIO()
    image = Image.fromarray(np.zeros((4, 4, 3), np.uint8))
    if format == "PNG":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp.decode())
        image.save(out, "PNG", pnginfo=info)
    elif format == "TIFF":
        image.save(out, "TIFF", tiffinfo={700: xmp})  # tag 700 of TIFF is XMP
    else:
        image.save(out, format, xmp=xmp)
    assert has_mark(out.getvalue()) == expected


def test_a_prompt_that_names_the_code_is_no_mark():
    info = PngInfo()
    info.add_text("prompt", f"DigitalSourceType>{CODE.decode()}")
    out = io.BytesIO()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(out, "PNG", pnginfo=info)
    assert not has_mark(out.getvalue())


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe1\x00\x40"])
def test_what_is_no_picture_has_no_mark(content):
    assert not has_mark(content)
