from __future__ import annotations

import json

import pytest
from PIL import Image

from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.equal_pictures import count_repeated_in
from hyponet.nodes.dataset.merge import merge
from hyponet.nodes.dataset.open import create_or_open, open_for_writing
from hyponet.nodes.dataset.split import Shares, split
from hyponet.nodes.dataset.store.description import SetSpec
from hyponet.nodes.dataset.store.identity import OtherSettings
from hyponet.nodes.dataset.store.provenance import Provenance
from hyponet.nodes.dataset.store.store import DatasetStore
from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.plan import Plan
from hyponet.nodes.prompts.wildcards.library import Library

from .sample_sets import MAKING, assert_whole, generate, item, open_set, picture, schedule


def shard(base, name, ranks, **more):
    with open_set(base, name, **more) as store:
        for label in ("cat", "dog"):
            for rank in ranks:
                store.add(item(label, rank), picture(label, rank))
    return DatasetStore.open(store.root)


def test_shards_merge_into_the_whole_set_which_can_be_gone_on_with(tmp_path):
    shards = [shard(tmp_path, f"part{n}", range(n, 6, 2)) for n in range(2)]
    with merge(shards, tmp_path, "pets") as merged:
        assert merged.counts() == {"cat": 6, "dog": 6}
    assert_whole(tmp_path / "pets", count=6)
    with open_set(tmp_path, "pets") as store:
        assert generate(store, count=7) == 2
    assert_whole(tmp_path / "pets", count=7)
    for n in range(2):
        assert len(DatasetStore.open(tmp_path / f"part{n}")) == 6


def test_what_a_shard_rejected_stays_rejected(tmp_path):
    first = shard(tmp_path, "part0", [0])
    with open_for_writing(first.root) as store:
        mark(store, {("cat", 0): Mark("by hand")})
    with merge([DatasetStore.open(first.root), shard(tmp_path, "part1", [1])], tmp_path, "pets") as merged:
        assert list(merged.missing(schedule(count=2))) == [("cat", 0, 1)]


def test_other_sets_merge_under_new_ranks(tmp_path):
    sets = [shard(tmp_path, "one", range(3)), shard(tmp_path, "two", range(2, 5), identity={"steps": 9})]
    with merge(sets, tmp_path, "both") as merged:
        # cat 2 and dog 2 are the same pictures in both sets (they depend on the item alone) and count once
        assert merged.counts() == {"cat": 5, "dog": 5}
    with merge(sets, tmp_path, "both") as merged:
        assert merged.counts() == {"cat": 5, "dog": 5}, "merging again adds nothing"


def test_taken_ranks_move_behind(tmp_path):
    one = shard(tmp_path, "one", range(2))
    with open_set(tmp_path, "two", identity={"steps": 9}) as store:
        store.add(item("cat", 0), picture("another", 0))
    with merge([one, DatasetStore.open(store.root)], tmp_path, "both") as merged:
        assert merged.keys(only_class="cat") == [("cat", 0), ("cat", 1), ("cat", 2)]


def planned(base, name, shard=(0, 1), drawn_by=0, provenance=None, **changes):
    """A set whose dataset.json holds a plan, with a picture of each of its classes; another machine draws others."""
    words = {"template": "a __class__", "negative": "", "seed": 1, "coverage": "balanced", "order": "interleaved"}
    classes = [ClassSpec(label) for label in changes.pop("labels", ("cat", "dog"))]
    words |= {"images_per_class": 2}
    plan = Plan(classes, library=Library([]), shard=shard, **{**words, **changes})
    with create_or_open(base, name, SetSpec(plan.to_json(), {"steps": 2}, provenance or MAKING)) as store:
        for label, rank, _ in store.missing(plan.schedule()):
            store.add(plan.item(label, rank), picture(label, rank, drawn_by))
    return DatasetStore.open(store.root)


def test_merged_shards_have_the_whole_plan(tmp_path):
    """The regression: dataset.json kept the first shard's plan, which makes only that shard again."""
    with merge([planned(tmp_path, f"part{n}", (n, 2)) for n in range(2)], tmp_path, "pets") as merged:
        again = Plan.from_json(merged.description.plan)
    assert len(again) == len(merged) == 4


def test_an_item_that_two_shards_made_counts_once(tmp_path):
    """A plan of more images is cut anew, so the second shard of 2 images and the first of 4 both have rank 1."""
    small = planned(tmp_path, "small", (1, 2))
    large = [planned(tmp_path, f"large{index}", (index, 2), images_per_class=4) for index in range(2)]
    with merge([small, *large], tmp_path, "pets") as merged:
        assert sorted(merged.keys()) == [(label, rank) for label in ("cat", "dog") for rank in range(4)]


def test_a_shard_that_is_delivered_twice_counts_once_and_how_many_is_said(tmp_path):
    """Two classes of two images in two shards: each shard has two, one of them comes three times."""
    other_bytes = Provenance(prompt={"1": {"class_type": "KSampler", "inputs": {"name": "again"}}})
    sources = [planned(tmp_path, "a", (0, 2)), planned(tmp_path, "b", (1, 2)), planned(tmp_path, "third", (1, 2))]
    sources.append(planned(tmp_path, "again", (1, 2), provenance=other_bytes))
    digests = [{record.sha256 for record in source.records()} for source in sources]
    assert digests[1] == digests[2] != digests[3], "the workflow that is written into them differs"
    notes = []
    with merge(sources, tmp_path, "pets", notes=notes) as merged:
        assert notes == ["4 pictures of the plan were delivered again; one of each was kept."]
        assert sorted(merged.keys()) == [(label, rank) for label in ("cat", "dog") for rank in range(2)]


def test_different_pictures_under_one_name_are_refused_with_the_difference(tmp_path):
    """The regression: the first was taken without a word."""
    sources = [planned(tmp_path, "a", (0, 2)), planned(tmp_path, "b", (1, 2))]
    sources.append(planned(tmp_path, "elsewhere", (1, 2), drawn_by=1))
    with pytest.raises(ValueError, match=r"picture 1 of 'cat', attempt 0, .*% of their pixels differ, by \d+ of 255"):
        with merge(sources, tmp_path, "pets"):
            pass
    assert not (tmp_path / "pets").exists()


@pytest.mark.parametrize("other", [{"labels": ("fox",)}, {"seed": 2}, {"template": "the __class__"}])
def test_sets_of_other_plans_are_not_taken_for_shards(tmp_path, other):
    """The regression: equal settings were enough, and dataset.json said that the first plan made all of it."""
    with merge([planned(tmp_path, "one"), planned(tmp_path, "two", **other)], tmp_path, "both") as merged:
        plans = merged.description.plan["merged"]
    assert [len(Plan.from_json(plan)) for plan in plans] == [4, 2 * len(other.get("labels", "12"))]
    before = len(merged)
    grown = [planned(tmp_path, "one", images_per_class=3), DatasetStore.open(tmp_path / "two")]
    with merge(grown, tmp_path, "both") as merged:
        assert len(merged) == before + 2, "merging again adds what is new"


@pytest.mark.parametrize("interrupt", [InterruptedError, KeyboardInterrupt])  # ComfyUI's is an Exception, or is none
def test_an_interrupted_merge_keeps_what_it_has_and_goes_on(tmp_path, interrupt):
    def stop(done, total):
        if done == 3:
            raise interrupt

    parts = [planned(tmp_path, f"part{n}", (n, 2)) for n in range(2)]
    with pytest.raises(interrupt):
        merge(parts, tmp_path, "pets", stop).__enter__()
    assert len(DatasetStore.open(tmp_path / "pets")) == 3
    with merge(parts, tmp_path, "pets") as merged:
        assert len(merged) == 4


def test_a_merge_never_writes_into_its_sources(tmp_path):
    one = shard(tmp_path, "one", range(2))
    with pytest.raises(ValueError, match="one of the sets to merge"):
        merge([one, one], tmp_path, "one").__enter__()
    with pytest.raises(ValueError, match="at least two"):
        merge([one], tmp_path, "two").__enter__()


@pytest.mark.parametrize(
    ("shares", "count", "expected"),
    [
        (Shares(0.8, 0.1, 0.1), 10, (8, 1, 1)),
        (Shares(0.8, 0.1, 0.1), 7, (6, 0, 1)),  # 5.6 is 6, 6.3 is 6, the rest
        (Shares(1, 0, 0), 5, (5, 0, 0)),
        (Shares(0.5, 0.0, 0.5), 3, (2, 0, 1)),  # a half up: 1.5 is 2
        (Shares(0.5, 0.0, 0.5), 5, (3, 0, 2)),  # and 2.5 is 3
        (Shares(0.1, 0.0, 0.9), 5, (1, 0, 4)),
    ],
)
def test_shares_cut_a_class(shares, count, expected):
    assert shares.cuts(count) == expected


def test_parts_are_disjoint_complete_and_by_class(tmp_path):
    source = shard(tmp_path, "pets", range(10))
    made = split(source, tmp_path, "pets", Shares(0.8, 0.1, 0.1), 3)
    parts = {part: DatasetStore.open(ref.path) for part, ref in made.items()}
    assert {part: store.counts() for part, store in parts.items()} == {
        "train": {"cat": 8, "dog": 8},
        "val": {"cat": 1, "dog": 1},
        "test": {"cat": 1, "dog": 1},
    }
    keys = [key for store in parts.values() for key in store.keys()]  # noqa: SIM118
    assert sorted(keys) == sorted(schedule(count=10))


def test_one_seed_gives_one_split(tmp_path):
    source = shard(tmp_path, "pets", range(10))
    chosen = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        made = split(source, tmp_path, name, Shares(0.5, 0, 0.5), seed)
        assert set(made) == {"train", "test"}
        chosen.append(DatasetStore.open(made["train"].path).keys())
    assert chosen[0] == chosen[1] != chosen[2]
    assert chosen[0] != [("cat", rank) for rank in range(5)] + [("dog", rank) for rank in range(5)]


def test_splitting_again_follows_the_source(tmp_path):
    source = shard(tmp_path, "pets", range(4))
    split(source, tmp_path, "pets", Shares(0.5, 0, 0.5), 0)
    with open_for_writing(source.root) as store:
        mark(store, {("cat", 1): Mark("by hand")})
    with open_set(tmp_path) as store:
        generate(store)
    made = split(DatasetStore.open(source.root), tmp_path, "pets", Shares(0.5, 0, 0.5), 0)
    lines = [line for ref in made.values() for line in DatasetStore.open(ref.path).records()]
    assert sorted(line.sha256 for line in lines) == sorted(line.sha256 for line in store.records())
    with pytest.raises(OtherSettings, match="seed: 0 there, 1 now"):
        split(store, tmp_path, "pets", Shares(0.5, 0, 0.5), 1)


def test_marked_pictures_are_left_out_unless_asked_for(tmp_path):
    source = shard(tmp_path, "pets", range(4))
    with open_for_writing(source.root) as store:
        mark(store, {("cat", 1): Mark("by hand")}, attempts=1)
    for name, included, expected in (("without", False, 7), ("with", True, 8)):
        made = split(DatasetStore.open(source.root), tmp_path, name, Shares(1, 0, 0), 0, include_fallbacks=included)
        assert len(DatasetStore.open(made["train"].path)) == expected


def change_description(root, **changes):
    path = root / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


@pytest.mark.parametrize(("other", "merged_has"), [("cc-by-4.0", "cc-by-4.0"), ("cc0-1.0", ""), ("", "")])
def test_the_licence_that_the_owner_filled_in_goes_with_the_pictures(tmp_path, other, merged_has):
    for name, licence in (("one", "cc-by-4.0"), ("two", other)):
        with open_set(tmp_path, name, identity={"steps": len(licence)}) as store:
            generate(store)
        change_description(store.root, licence=licence)
    sources = [DatasetStore.open(tmp_path / name) for name in ("one", "two")]
    part = split(sources[0], tmp_path, "one", Shares(1, 0, 0), 0)["train"]
    assert DatasetStore.open(part.path).description.licence == "cc-by-4.0"
    assert "license: cc-by-4.0" in (part.path / "README.md").read_text("utf-8")
    with merge(sources, tmp_path, "both") as merged:
        pass
    assert DatasetStore.open(merged.root).description.licence == merged_has
    change_description(merged.root, licence="mit")
    with merge(sources, tmp_path, "both"):
        pass
    assert DatasetStore.open(merged.root).description.licence == "mit"


def test_own_columns_go_with_the_pictures(tmp_path):
    with open_set(tmp_path, "one") as store:
        generate(store)
    with open_set(tmp_path, "two", identity={"steps": 3}) as other:
        for key in schedule():
            other.add(item(*key, attempt=1), picture(*key, attempt=1))
    manifest = store.root / "metadata.jsonl"
    manifest.write_bytes(manifest.read_bytes().replace(b"}\n", b', "text": "my caption"}\n'))
    source = DatasetStore.open(store.root)
    part = split(source, tmp_path, "one", Shares(1, 0, 0), 0)["train"]
    with merge([source, DatasetStore.open(other.root)], tmp_path, "both") as merged:
        pass
    for root, count in ((part.path, 8), (merged.root, 16)):
        captions = [record.extra.get("text") for record in DatasetStore.open(root).records()]
        assert (len(captions), captions.count("my caption")) == (count, 8)


def relabelled(base, name, *pairs):
    """A set with a picture of `source` for each (label, rank, source)."""
    with open_set(base, name) as store:
        for label, rank, source in pairs:
            store.add(item(label, rank), picture(*source))
    return DatasetStore.open(store.root)


@pytest.mark.parametrize("seed", range(8))
def test_no_split_parts_pictures_that_are_equal_pixel_by_pixel(tmp_path, seed):
    """Eight cats, each twice, and each as a dog too: 24 files of 8 pictures."""
    pairs = [(label, rank, ("cat", rank % 8)) for label, count in (("cat", 16), ("dog", 8)) for rank in range(count)]
    source = relabelled(tmp_path, "copies", *pairs)
    parts = split(source, tmp_path, "parts", Shares(0.5, 0.25, 0.25), seed)
    stores = [DatasetStore.open(ref.path) for ref in parts.values()]
    assert count_repeated_in(stores) == (24, 16)
    assert sum(count_repeated_in([store])[1] for store in stores) == 16, "no picture is in two of them"
    assert min(len(store) for store in stores) > 0


def test_pictures_of_both_sets_of_a_merge_are_counted_whatever_their_files(tmp_path):
    one = relabelled(tmp_path, "one", *(("cat", rank, ("cat", rank)) for rank in range(5)))
    two = relabelled(tmp_path, "two", *(("dog", rank, ("cat", rank + 3)) for rank in range(4)))  # shares 3 and 4
    assert count_repeated_in([one, two]) == (9, 2)
    first = next(one.path(record) for record in one.records())
    Image.open(first).save(first, compress_level=0)  # other bytes, equal pixels
    assert count_repeated_in([one, two, one]) == (14, 7)


def kept(root):
    """What a set that is opened again has, and that each of its files has its line."""
    files = {path.relative_to(root).as_posix() for path in root.glob("*/*.png")}
    records = list(DatasetStore.open(root).records())
    assert {record.file_name for record in records} == files
    return sorted((*record.key, record.attempt) for record in records)


def rejecting(base, name, *attempts):
    """A set of the same making whose cat 0 lost these attempts."""
    with open_set(base, name) as store:
        for rank in range(4):
            for attempt in attempts if rank == 0 else ():
                store.add(item("cat", 0, attempt), picture("cat", 0, attempt))
                mark(store, {("cat", 0): Mark("by hand")})
            for label in ("cat", "dog") if rank else ("dog",):
                store.add(item(label, rank), picture(label, rank))
    return DatasetStore.open(store.root)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("attempts", [(0,), (0, 1)])
def test_what_one_shard_rejected_and_another_has_stays_when_the_set_is_opened_again(tmp_path, attempts, turned):
    """The regression: a line of the attempt that was rejected last counts as left over from a crash."""
    sources = [shard(tmp_path, "one", range(4)), rejecting(tmp_path, "two", *attempts)]
    with merge(sources[::-1] if turned else sources, tmp_path, "both") as merged:
        assert len(merged) == 8
    assert kept(tmp_path / "both") == sorted((*key, 0) for key in schedule())


def test_what_was_rejected_in_a_merged_set_stays_out_of_it_and_what_was_lost_comes_back(tmp_path):
    sources = [shard(tmp_path, "one", range(3)), shard(tmp_path, "two", range(3, 6), identity={"steps": 9})]
    with merge(sources, tmp_path, "both") as merged:
        pass
    with open_for_writing(merged.root) as store:
        mark(store, {("cat", 5): Mark("by hand"), ("dog", 1): Mark("corrupt", lost=True)})
    with open_set(tmp_path, "one") as store:
        store.add(item("cat", 5), picture("new", 5))  # wants the rank whose picture was rejected
    sources[0] = DatasetStore.open(store.root)
    with merge(sources, tmp_path, "both") as merged:
        assert len(merged) == 12
    assert kept(merged.root) == sorted({(*key, 0) for key in schedule(count=6)} - {("cat", 5, 0)} | {("cat", 6, 0)})


def test_merging_again_brings_back_files_that_were_deleted(tmp_path):
    sources = [shard(tmp_path, "one", range(3)), shard(tmp_path, "two", range(2, 5), identity={"steps": 9})]
    with merge(sources, tmp_path, "both") as merged:
        pass
    everything = kept(merged.root)
    for file_name in ("cat/000001.png", "dog/000004.png"):
        (merged.root / file_name).unlink()
    with merge(sources, tmp_path, "both"):
        pass
    assert kept(merged.root) == everything


def test_splitting_again_brings_back_files_that_were_deleted_or_lost_and_not_what_was_rejected(tmp_path):
    source = shard(tmp_path, "pets", range(6))
    root = split(source, tmp_path, "pets", Shares(1, 0, 0), 0)["train"].path
    (root / "cat" / "000001.png").unlink()
    with open_for_writing(root) as store:
        mark(store, {("dog", 1): Mark("corrupt", lost=True), ("dog", 2): Mark("by hand")})
    split(source, tmp_path, "pets", Shares(1, 0, 0), 0)
    assert kept(root) == sorted({(*key, 0) for key in schedule(count=6)} - {("dog", 2, 0)})


def test_damaged_pictures_are_counted_by_what_their_lines_say(tmp_path):
    """A hash that a person changed is no number; an emptied one made all damaged pictures equal."""
    source = shard(tmp_path, "pets", range(4))
    lines = [json.loads(line) for line in (source.root / "metadata.jsonl").read_text("utf-8").splitlines()]
    for line, sha256 in zip(lines, ("", "", "changed", "changed"), strict=False):
        line["sha256"] = sha256
        (source.root / line["file_name"]).write_bytes(b"no picture")
    (source.root / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    assert count_repeated_in([DatasetStore.open(source.root)]) == (8, 1)


def test_counting_equal_pictures_can_be_stopped_in_any_set(tmp_path):
    sources = [shard(tmp_path, name, range(2)) for name in ("one", "two")]
    seen = []
    count_repeated_in(sources, lambda done, total: seen.append((done, total)))
    assert (seen[-1], {total for _, total in seen}) == ((8, 8), {8})
    assert seen == sorted(seen)
