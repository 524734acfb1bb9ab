from __future__ import annotations

import json
import math
import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hyponet.evaluation.pictures.manifest import GOOD, Record
from hyponet.evaluation.pictures.sources.ours import read_ours
from hyponet.nodes.dataset.culling.labels import (
    ClassifierJudge,
    ClipJudge,
    UnsoundModel,
    Verdict,
    check_labels,
    keep_best,
    mark_labels,
    marks_of,
    report,
)
from hyponet.nodes.dataset.culling.marks import mark
from hyponet.nodes.dataset.facts import facts_of
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.store.store import DatasetStore

from ..sample_sets import generate, open_set, picture, schedule

RECORD = Record("cat/000000.png", "cat", 0, 0, GOOD, "", "", (), 0, 8, 8, "0")


class Stub:
    """A classifier of four classes that says the same of every picture."""

    class_names = ("tabby", "Siamese cat", "beagle", "dog")
    synsets = ("n02123045", "n02123597", "n02088364", "")

    def __init__(self, *probabilities):
        self.row = torch.tensor(probabilities)

    def probabilities(self, images):
        assert images.dtype == torch.float32
        assert 0 <= images.min() <= images.max() <= 1
        return self.row.expand(len(images), -1)


# WordNet: tabby and Siamese cat lie under domestic cat (n02121808), beagle under dog (n02084071)
UNDER = {("n02123045", "n02121808"), ("n02123597", "n02121808"), ("n02088364", "n02084071")}


def is_under(synset, ancestor):
    return synset == ancestor or (synset, ancestor) in UNDER


def judge(*probabilities, synsets=None):
    return ClassifierJudge(Stub(*probabilities), synsets or {"cat": "n02121808", "dog": "n02084071"}, is_under)


def test_probability_is_a_share_among_the_sets_own_classes():
    """.3 + .1 under cat, .1 under dog (the class called dog has no synset, but the name): .4 / .6 and .2 / .6."""
    row = judge(0.3, 0.1, 0.1, 0.1).judge([picture("cat", 0)])[0]
    assert row == pytest.approx([0.4 / 0.6, 0.2 / 0.6])


def test_own_classifiers_go_by_name():
    row = judge(0.1, 0.2, 0.3, 0.4, synsets={"Siamese Cat": "", "dog": ""}).judge([picture("cat", 0)])[0]
    assert row == pytest.approx([0.2 / 0.6, 0.4 / 0.6])


def test_pictures_of_different_sizes_are_judged():
    rows = judge(0.5, 0, 0.5, 0).judge([picture("cat", 0, side=24), picture("cat", 0, side=48)])
    assert rows.shape == (2, 2)


def test_a_classifier_without_the_class_is_refused():
    with pytest.raises(ValueError, match=r"no class for 'teapot'"):
        judge(1, 0, 0, 0, synsets={"cat": "n02121808", "teapot": "n04398044"})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_judge_that_gives_no_numbers_marks_nothing(pets, value):
    """Every comparison with NaN is false: the whole set would have failed the check."""
    with pytest.raises(ValueError, match=r"not finite for .*\.png.*no picture is marked"):
        list(check_labels(DatasetStore.open(pets), judge(value, 0.5, 0.2, 0.2)))


def test_default_threshold_is_one_over_the_number_of_classes(pets):
    for cat, passed in ((0.49, False), (0.51, True)):
        verdicts = list(check_labels(DatasetStore.open(pets), judge(cat, 0, 1 - cat, 0)))
        assert len(verdicts) == 8
        assert {verdict.passed for verdict in verdicts if verdict.record.label == "cat"} == {passed}
        assert {verdict.passed for verdict in verdicts if verdict.record.label == "dog"} == {not passed}


def test_verdicts_are_written_and_failures_made_again(pets):
    with open_for_writing(pets) as store:
        verdicts = list(check_labels(store, judge(0.9, 0, 0.1, 0)))
        done = mark(store, marks_of(verdicts, reject=True))
        assert done.rejected == 4
        assert sorted(store.missing(schedule())) == [("dog", rank, 1) for rank in range(4)]
        for line in store.records():
            assert (line.check, line.check_predicted) == ("passed", "cat")
            assert line.check_probability == pytest.approx(0.9)
    assert "| dog | 4 | 0 | 0.100 | cat 4 |" in report(verdicts, store.labels)
    piped = [replace(verdict, predicted="a|b") for verdict in verdicts]
    assert "| dog | 4 | 0 | 0.100 | a\\|b 4 |" in report(piped, store.labels)


def test_without_rejection_the_verdicts_are_only_written(pets):
    with open_for_writing(pets) as store:
        mark(store, marks_of(list(check_labels(store, judge(0.9, 0, 0.1, 0))), reject=False))
        assert {(line.label, line.check) for line in store.records()} == {("cat", "passed"), ("dog", "failed")}
        assert list(store.missing(schedule())) == []
    assert not (pets / "rejected.jsonl").exists()


class ByBrightness:
    """A judge to whom a picture is the likelier a cat the brighter it is."""

    def judge(self, pictures):
        shares = np.array([0.5 + picture.mean() / 511 for picture in pictures])
        return np.stack([shares, 1 - shares], axis=1)


def test_the_best_share_of_each_class_stays_and_the_threshold_holds_beside_it(pets):
    """Of 4 cats the top 30 % are 2, rounded up; no dog reaches 0.5, and none stays for being among the best."""
    with open_for_writing(pets) as store:
        likely = {v.record.key: v.probability for v in check_labels(store, ByBrightness(), 0.5)}
        verdicts, done = mark_labels(store, ByBrightness(), 0.5, 5, reject=True, best_share=0.3)
        cats = sorted((key for key in likely if key[0] == "cat"), key=lambda key: -likely[key])
        assert {v.record.key for v in verdicts if not v.reason} == set(cats[:2])
        assert {v.reason for v in verdicts if v.record.key in cats[2:]} == {
            f"not of the best 30 % of its class ({likely[key]:.2f})" for key in cats[2:]
        }
        assert all("looks like cat" in v.reason for v in verdicts if v.record.label == "dog")
        assert done.rejected == 6
        scores = {entry.record.key: (entry.record.check, entry.score) for entry in store.rejections()}
        assert {key: scores[key] for key in cats[2:]} == {key: ("passed", likely[key]) for key in cats[2:]}


def test_a_picture_that_others_outrank_still_shows_its_label(pets):
    """Four cats show their label, whatever share of them stays; card and method told of two that do not."""
    with open_for_writing(pets) as store:
        verdicts, done = mark_labels(store, ByBrightness(), 0.5, 5, reject=False, best_share=0.3)
        assert done.rejected == 0
        assert {(line.label, line.check) for line in store.records()} == {("cat", "passed"), ("dog", "failed")}
        assert "judged 8 of 8: 4 show their label, 4 do not." in facts_of(store).labelling()
    (making,) = read_ours(pets).makings
    assert "judged 8 of 8: 4 show their label, 4 do not." in making.labelling()
    text = report(verdicts, store.labels)
    assert "| cat | 4 | 4 | " in text
    assert "2 pictures pass and are not of the best of their class." in text


@pytest.mark.parametrize("reject", [True, False])
def test_a_share_that_nobody_falls_short_of_is_not_told_of(pets, reject):
    with open_for_writing(pets) as store:
        verdicts, _ = mark_labels(store, ByBrightness(), 0.5, 5, reject=reject)
        assert "best" not in report(verdicts, store.labels)


def test_the_best_of_outranked_attempts_stays_as_fallback(pets):
    with open_for_writing(pets) as store:
        verdicts, done = mark_labels(store, ByBrightness(), 0.5, 1, reject=True, best_share=0.3)
        assert (done.rejected, done.fallbacks) == (0, 6)
        kept = {v.record.key for v in verdicts if not v.reason}
        assert {(line.key in kept, line.status) for line in store.records()} == {(True, "ok"), (False, "fallback")}
        assert "6 stay although every try was rejected and are marked `fallback`" in facts_of(store).labelling()


def test_a_share_of_one_or_of_all_changes_nothing(pets):
    verdicts = list(check_labels(DatasetStore.open(pets), ByBrightness(), 0.01))
    assert keep_best(verdicts, 1.0) == verdicts
    assert sum(not verdict.reason for verdict in keep_best(verdicts, 0.01)) == 2, "at least one a class"
    assert sum(not verdict.reason for verdict in keep_best(verdicts, 0.75)) == 6
    assert all(verdict.passed for verdict in keep_best(verdicts, 0.01))


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.75, 1.0])
def test_what_stays_is_what_sorting_class_by_class_says(share):
    """Drawn verdicts of five classes with equal probabilities among them; of equal ones the first stay."""
    draw = random.Random(1)
    verdicts = []
    for rank in range(200):
        record = replace(RECORD, label=draw.choice("abcde"), rank=rank)
        probability = draw.choice([0.1, 0.5, 0.6, 0.9])
        verdicts.append(Verdict(record, probability, "a", probability >= 0.5, "" if probability >= 0.5 else "low"))
    best = set()
    for label in "abcde":
        ranked = sorted((v for v in verdicts if v.record.label == label), key=lambda v: (-v.probability, v.record.rank))
        best |= {v.record.key for v in ranked[: math.ceil(round(share * len(ranked), 9))]}
    found = keep_best(verdicts, share)
    assert [v.record.key for v in found] == [v.record.key for v in verdicts]
    assert {v.record.key for v in found if not v.reason} == {key for key in best if key in passing(verdicts)}
    assert passing(found) == passing(verdicts)


def passing(verdicts):
    return {verdict.record.key for verdict in verdicts if verdict.passed}


class Stopped(BaseException):
    """Newer servers' interrupt is no Exception."""


@pytest.mark.parametrize("error", [Stopped, KeyboardInterrupt, RuntimeError])
def test_what_was_judged_before_a_stop_stays(tmp_path, error):
    """Sixteen pictures are judged at once; the stop comes after the second sixteen of forty. Nothing is rejected."""

    def stop(done, total):
        if done > 16:
            raise error

    with open_set(tmp_path) as store:
        generate(store, count=20)
    with pytest.raises(error), open_for_writing(store.root) as writable:
        mark_labels(writable, judge(0.9, 0, 0.1, 0), 0.0, 5, reject=True, progress=stop)
    checks = [record.check for record in DatasetStore.open(store.root).records()]
    assert checks == ["passed", "failed"] * 16 + ["unchecked"] * 8  # cat and dog in turn, and all are taken for cats


def test_an_unsound_model_marks_nothing(tmp_path):
    """Nor what it judged before: it gives numbers for the first sixteen pictures."""
    sound, unsound = judge(0.9, 0, 0.1, 0), judge(float("nan"), 0, 0.1, 0)

    class Judge:
        def judge(self, pictures):
            nonlocal sound
            rows, sound = sound.judge(pictures), unsound
            return rows

    with open_set(tmp_path) as store:
        generate(store, count=20)
    with open_for_writing(store.root) as writable, pytest.raises(UnsoundModel, match="no picture is marked"):
        mark_labels(writable, Judge(), 0.0, 5, reject=True)
    assert {record.check for record in DatasetStore.open(store.root).records()} == {"unchecked"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A CLIP with random weights in a Hugging Face folder, letters for tokens."""
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPTextConfig, CLIPTokenizer, CLIPVisionConfig

    folder = tmp_path_factory.mktemp("models") / "clip"
    folder.mkdir()
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    tokens = ["<|startoftext|>", "<|endoftext|>", *letters, *(letter + "</w>" for letter in letters)]
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}), "utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n")
    CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(folder)
    CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32).save_pretrained(folder)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = CLIPTextConfig(vocab_size=len(tokens), bos_token_id=0, eos_token_id=1, max_position_embeddings=40, **sizes)
    vision = CLIPVisionConfig(image_size=32, patch_size=8, **sizes)
    torch.manual_seed(0)
    config = CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=8)
    CLIPModel(config).save_pretrained(folder)
    return folder


def test_clip_gives_what_transformers_gives(clip):
    from PIL import Image
    from transformers import CLIPModel, CLIPProcessor

    pictures = [picture("cat", rank, side=48) for rank in range(3)]
    rows = ClipJudge(clip, ("cat", "dog"), "a photo of a {}", torch.device("cpu")).judge(pictures)
    processor = CLIPProcessor.from_pretrained(clip)
    inputs = processor(
        text=["a photo of a cat", "a photo of a dog"],
        images=[Image.fromarray(each) for each in pictures],
        return_tensors="pt",
        padding=True,
    )
    with torch.no_grad():
        expected = CLIPModel.from_pretrained(clip)(**inputs).logits_per_image.softmax(dim=1).numpy()
    assert np.allclose(rows, expected, atol=1e-6)
    assert np.allclose(rows.sum(axis=1), 1)


def test_a_folder_without_a_clip_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is no CLIP that transformers reads"):
        ClipJudge(tmp_path, ("cat",), "a {}", torch.device("cpu"))
    with pytest.raises(ValueError, match="where the class name goes"):
        ClipJudge(tmp_path, ("cat",), "a photo", torch.device("cpu"))


@pytest.mark.parametrize("lacks", [["vocab.json", "merges.txt", "tokenizer.json"], ["tokenizer.json", "vocab.json"]])
def test_a_clip_without_its_vocabulary_judges_nothing(clip, tmp_path, lacks):
    """Else every caption of one length is the same text, and pictures are moved out by chance."""
    folder = Path(shutil.copytree(clip, tmp_path / "clip"))
    for name in lacks:
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(ValueError, match=r"has no tokenizer.*expected vocab\.json and merges\.txt"):
        ClipJudge(folder, ("cat", "dog"), "a photo of a {}", torch.device("cpu"))


@pytest.mark.parametrize(
    ("name", "value"), [("attn_implementation", "kernels-community/flash-attn2"), ("dtype", "bfloat16")]
)
def test_a_clips_config_does_not_steer_how_it_judges(clip, tmp_path, name, value):
    folder = Path(shutil.copytree(clip, tmp_path / "clip"))
    stated = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**stated, name: value}), "utf-8")
    pictures = [picture("cat", 0, side=48)]
    first, second = (
        ClipJudge(each, ("cat", "dog"), "a {}", torch.device("cpu")).judge(pictures) for each in (clip, folder)
    )
    assert np.array_equal(first, second)


def test_clip_checks_a_set(clip, tmp_path):
    with open_set(tmp_path) as store:
        generate(store)
        clip_judge = ClipJudge(clip, store.labels, "a photo of a {}", torch.device("cpu"))
        verdicts = list(check_labels(store, clip_judge, progress=lambda done, total: None))
    assert sum(verdict.passed for verdict in verdicts) >= 1
    assert all(verdict.passed == (verdict.probability >= 0.5) for verdict in verdicts)
