"""`croissant.json` says what is on the disk, goes with the set, and spares what a person wrote; no library needed.

What MLCommons' own library makes of it stands in test_mlcroissant.py.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import logging
import re
from collections import Counter
from dataclasses import replace

import pytest

from hyponet.evaluation.pictures.manifest import FAILED, PASSED
from hyponet.nodes.dataset.croissant.layouts import set_layout
from hyponet.nodes.dataset.croissant.write import croissant_bytes, is_ours
from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.export import job as export_job
from hyponet.nodes.dataset.export.formats import EXPORTS, export
from hyponet.nodes.dataset.facts import facts_of
from hyponet.nodes.dataset.merge import merge
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.split import Shares, split
from hyponet.nodes.dataset.store.store import DatasetStore
from hyponet.nodes.upstream import ModelFile

from .sample_sets import MAKING, generate, open_set

ZIP, TARS, PARQUET, CSV, CAPTIONS = EXPORTS
MODELS = (ModelFile("sd15.ckpt", "checkpoints", "ab" * 32, 4), ModelFile("vae.pt", "vae", "cd" * 32, 2))
VERSIONS = {"hyponet": "1.2.3", "comfyui": "0.3.75", "python": "3.11"}
MADE = replace(MAKING, models=MODELS, versions=VERSIONS)


def croissant(root, name="croissant.json"):
    return json.loads((root / name).read_text("utf-8"))


def check_files(document, folder):
    """Each file object that lies beside the document has the hash and size that it says; each pattern finds files.

    What the tables refer to is there; ids are plain, whatever set and files are called.
    """
    named, referred = ids_and_references({key: document[key] for key in ("distribution", "recordSet")})
    assert referred <= named
    assert all(re.fullmatch("[a-z0-9_/-]+", name) for name in named)
    for entry in document["distribution"]:
        if "sha256" in entry:
            content = (folder / entry["contentUrl"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == entry["sha256"]
            assert entry["contentSize"] == f"{len(content)} B"
        elif entry["@type"] == "cr:FileSet" and "containedIn" not in entry:
            patterns = entry["includes"] if isinstance(entry["includes"], list) else [entry["includes"]]
            names = [path.relative_to(folder).as_posix() for path in folder.rglob("*")]
            assert any(fnmatch.fnmatch(name, pattern) for name in names for pattern in patterns)


def ids_and_references(value):
    """What is named, and what is referred to: an object with an @id alone is a reference."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return set(), set()
    here = {value["@id"]} if "@id" in value else set()
    named, referred = (here, set()) if len(value) > 1 else (set(), here)
    for part in value.values():
        more_named, more_referred = ids_and_references(part)
        named, referred = named | more_named, referred | more_referred
    return named, referred


def counts(document):
    (classes,) = (table for table in document["recordSet"] if table["@id"] == "classes")
    return {entry["classes/name"]: entry["classes/pictures"] for entry in classes["data"]}


def test_it_says_who_made_what_with_which_model_plan_and_seed(tmp_path):
    plan = {"seed": 7, "template": "a {color} {class}", "classes": [{"name": "cat", "synset": "n02121808"}]}
    with open_set(tmp_path, labels=("cat",), provenance=MADE) as store:
        store._write_description(replace(store.description, plan=plan))
        generate(store, ("cat",), 3)
    document = croissant(store.root)
    activity = document["prov:wasGeneratedBy"]
    used = {entry["prov:label"]: entry["sha256"] for entry in activity["prov:used"]}
    assert used == {"checkpoints: sd15.ckpt": "ab" * 32, "vae: vae.pt": "cd" * 32}
    assert [agent["prov:label"] for agent in document["prov:wasAttributedTo"]] == ["HypoNet 1.2.3", "ComfyUI 0.3.75"]
    stated = activity["prov:qualifiedAssociation"][0]["prov:hadPlan"]
    assert stated["prov:value"] == "seed 7, template a {color} {class}"
    on_disk = json.loads((store.root / "dataset.json").read_text("utf-8"))["plan"]
    assert stated["sha256"] == hashlib.sha256(json.dumps(on_disk, sort_keys=True).encode()).hexdigest()
    assert document["conformsTo"] == ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
    assert document["rai:dataCollectionType"] == "Synthetic data"
    assert counts(document) == {"cat": 3}


def test_card_and_croissant_state_the_same_facts(pets):
    """Every sentence of the one stands in the other; Markdown has its signs for quotes and tables."""
    document, card = croissant(pets), (pets / "README.md").read_text("utf-8")
    facts = facts_of(DatasetStore.open(pets))
    stated = {name: document[f"rai:{name}"] for name in facts.responsible_ai()}
    assert stated == facts.responsible_ai()
    for name, text in stated.items():
        if name == "dataCollection":
            assert facts.what() in text
            assert facts.what() in card
        else:
            assert text in card, name
    assert facts.making.made_by() in card
    assert facts.making.made_by() in document["description"]


def test_it_goes_with_the_set_through_culling_and_checks(pets):
    before = croissant(pets)
    check_files(before, pets)
    assert before["version"] == "1.8.0"
    with open_for_writing(pets) as store:
        mark(store, {("cat", 0): Mark("by hand"), ("cat", 1): Mark("", check=PASSED, probability=0.9, predicted="cat")})
        mark(store, {("dog", 1): Mark("", check=FAILED, probability=0.1, predicted="cat")})
    after = croissant(pets)
    check_files(after, pets)
    assert counts(after) == {"cat": 3, "dog": 4}
    assert after["version"].split(".")[1:] == ["7", "0"]
    assert int(after["version"].split(".")[0]) > 1
    assert "judged 2 of 7: 1 show their label, 1 do not" in after["rai:dataAnnotationProtocol"]
    with open_for_writing(pets) as store:
        generate(store)
    check_files(croissant(pets), pets)
    assert counts(croissant(pets)) == {"cat": 4, "dog": 4}


def test_merges_name_all_models_and_sources_and_splits_theirs(tmp_path):
    sources = []
    for name, model in (("a", MODELS[0]), ("b", MODELS[1])):
        with open_set(tmp_path, name, identity={"model": name}, provenance=replace(MADE, models=(model,))) as store:
            plan = {**store.description.plan, "seed": ord(name), "template": f"a {name}"}
            store._write_description(replace(store.description, plan=plan))
            generate(store, count=2)
        sources.append(DatasetStore.open(store.root))
    with merge(sources, tmp_path, "both") as both:
        pass
    document = croissant(both.root)
    check_files(document, both.root)
    used = [entry["prov:label"] for entry in document["prov:wasGeneratedBy"]["prov:used"]]
    assert used == ["checkpoints: sd15.ckpt", "vae: vae.pt"]
    stated = document["prov:wasGeneratedBy"]["prov:qualifiedAssociation"][0]["prov:hadPlan"]
    assert stated["prov:value"] == "seed 97 | 98, template a a | a b"
    assert [entry["prov:label"] for entry in document["prov:wasDerivedFrom"]] == ["data set a", "data set b"]
    for part, ref in split(sources[0], tmp_path, "a", Shares(1, 1, 0), 0).items():
        document = croissant(ref.path)
        check_files(document, ref.path)
        assert [entry["prov:label"] for entry in document["prov:wasDerivedFrom"]] == ["data set a"], part


def test_what_the_owner_states_is_in_it(pets):
    path = pets / "dataset.json"
    stated = {"licence": "cc0-1.0", "creator": ["Ada", "Bo"], "url": "https://example.org/pets", "citation": "@misc{x}"}
    more = {"date_published": "2026-01-31", "note": "of the user"}
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **stated, **more}), "utf-8")
    with open_for_writing(pets):
        pass
    document = croissant(pets)
    assert [person["name"] for person in document["creator"]] == ["Ada", "Bo"]
    named = {key: document[key] for key in ("license", "url", "citeAs", "datePublished")}
    assert list(named.values()) == ["cc0-1.0", "https://example.org/pets", "@misc{x}", "2026-01-31"]
    unusable = {"creator": [3], "url": {}, "citation": ""}
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **unusable}), "utf-8")
    with open_for_writing(pets):
        pass
    assert {"creator", "url"} & croissant(pets).keys() == set()
    assert "title = {pets}" in croissant(pets)["citeAs"]


@pytest.mark.parametrize("content", [b"{}", b'{"name": "mine"}', b"\xff\x00 damaged", b"[]", b""])
def test_a_file_of_somebody_else_stays_and_is_told_of(pets, content, caplog):
    path = pets / "croissant.json"
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING, "hyponet"), open_for_writing(pets) as store:
        mark(store, {("cat", 0): Mark("by hand")})
    assert path.read_bytes() == content
    assert "croissant.json was edited or is not of HypoNet, and stays as it is" in caplog.text


def test_an_edited_file_stays_and_a_deleted_one_comes_back(pets):
    path = pets / "croissant.json"
    ours = path.read_bytes()
    assert is_ours(ours)
    edited = {**json.loads(ours), "creator": {"@type": "sc:Person", "name": "Ada"}}
    path.write_text(json.dumps(edited), "utf-8")
    with open_for_writing(pets) as store:
        mark(store, {("cat", 0): Mark("by hand")})
    assert json.loads(path.read_text("utf-8")) == edited
    path.unlink()
    with open_for_writing(pets):
        pass
    check_files(croissant(pets), pets)


def test_the_same_set_gives_the_same_bytes_and_no_picture_is_read(pets):
    """The pictures may lie on a disk that is slow, or be a million."""
    path = pets / "croissant.json"
    before = path.read_bytes(), path.stat().st_mtime_ns
    with open_for_writing(pets):
        pass
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    for picture in pets.glob("*/*.png"):
        picture.unlink()
    facts = facts_of(DatasetStore.open(pets))
    assert croissant_bytes(facts, set_layout(facts)) == before[0]


def test_texts_of_any_kind_are_json(tmp_path):
    labels = ("\uace0\uc591\uc774", '"quoted"', "two\nlines", "half a pair \ud800")
    with open_set(tmp_path, labels=labels) as store:
        generate(store, labels, 1)
    assert tuple(counts(croissant(store.root))) == labels
    assert is_ours((store.root / "croissant.json").read_bytes())


@pytest.mark.parametrize("form", EXPORTS)
def test_every_export_describes_its_own_files(pets, form, monkeypatch):
    """Three shards of at most three pictures, without the one that failed every try; each file is hashed once."""
    with open_for_writing(pets) as store:
        mark(store, {("cat", 1): Mark("by hand")}, attempts=1)
    hashed = Counter()
    sha256 = export_job.file_sha256

    def counted(path, progress=None):
        hashed[path] += 1
        return sha256(path, progress)

    monkeypatch.setattr(export_job, "file_sha256", counted)
    store = DatasetStore.open(pets)
    out = export(store, pets.parent / "e", "out", form, shard_size=3, include_fallbacks=False, progress=lambda *_: None)
    document = croissant(out.folder, "croissant.jsonld")
    check_files(document, out.folder)
    assert counts(document) == {"cat": 3, "dog": 4}
    assert document["version"].split(".")[1] == "7"
    assert set(hashed.values()) == {1}
    described = {entry["contentUrl"] for entry in document["distribution"] if "sha256" in entry}
    assert len(described) == {TARS: 3, PARQUET: 3}.get(form, 1)
    suffixes = (".zip", ".tar", ".parquet", ".csv", ".jsonl")
    there = [path for path in out.folder.rglob("*.*") if path.suffix in suffixes]
    assert described == {path.relative_to(out.folder).as_posix() for path in there}


def test_an_export_that_was_stopped_has_the_hashes_of_what_it_ends_with(pets):
    """Of the file that lay there half-made the hash is another."""
    store = DatasetStore.open(pets)

    def run(stop_at):
        def progress(done, total):
            if done == stop_at:
                raise InterruptedError

        return export(store, pets.parent / "e", "out", TARS, shard_size=2, include_fallbacks=False, progress=progress)

    with pytest.raises(InterruptedError):
        run(5)
    folder = run(-1).folder
    check_files(croissant(folder, "croissant.jsonld"), folder)
