from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from hyponet.nodes.hyponyms.classifier import Classifier
from hyponet.nodes.hyponyms.hyponyms import HyponymSettings
from hyponet.nodes.hyponyms.preprocessing import ResizeAndCrop
from hyponet.nodes.prompts.classes.kinds import with_kinds
from hyponet.nodes.prompts.classes.make import add_classes, classes_from_text, make_class
from hyponet.nodes.prompts.classes.pictures import classes_from_pictures, find_pictures, read_picture
from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.language.errors import TemplateError
from hyponet.nodes.prompts.wildcards.library import Library

from ..prompt_fixtures import library

LIBRARY = library({"thesis/cat": ["Manx", "2::Korat"], "more": ["Sphynx"]})


def test_a_line_a_class():
    text = """# animals
    cat: Siamese, __thesis/cat__, __mo*__; omit: color, view; images: 500; hypernym: feline; synset: n02121808
    ship
    dog: ; negative: ; template: a; b of __class__
    """
    assert classes_from_text(text, LIBRARY) == (
        ClassSpec(
            "cat", "", None, ("Siamese", "Manx", "2::Korat", "Sphynx"), "feline", "n02121808", ("color", "view"), 500
        ),
        ClassSpec("ship"),
        ClassSpec("dog", template="a; b of __class__", negative=""),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no class in the text of the classes"),
        ("a\n: b", "a class without a name in the text of the classes, line 2, column 1"),
        ("a; image: 3", "a field 'image' .*nearest is images"),
        ("a; images: many", "a number of images that is many .*line 1, column 12"),
        ("a; images: 0", "a number of images that is 0"),
        ("a; omit: x; omit: y", "a second omit"),
        ("a: __thesis/dog__", "no wildcard named thesis/dog .*nearest is thesis/cat"),
        ("a; b", "a field 'b'"),
        ("a\nA", "name of two classes is A"),
    ],
)
def test_a_line_that_is_none_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        classes_from_text(text, LIBRARY)


@pytest.mark.parametrize(
    "line",
    ["cat: Manx, Sphynx", "ship", "dog: ; negative: blurry", "fox; template: a __class__", "owl; images: 5", "#"],
)
def test_line_ends_of_windows_belong_to_no_class(line):
    """Pasted out of Notepad, or out of a cell of a sweep."""
    text = f"bird\n{line}\nhorse\n"
    assert classes_from_text(text.replace("\n", "\r\n"), LIBRARY) == classes_from_text(text, LIBRARY)


def test_a_thousand_classes():
    classes = classes_from_text("\n".join(f"class {n}: kind {n}" for n in range(1000)), LIBRARY)
    assert len(classes) == 1000
    assert classes[999].hyponyms == ("kind 999",)


def test_chaining_refuses_a_second_of_one_name():
    first = add_classes(None, [make_class("cat", ())])
    assert [spec.name for spec in add_classes(first, [make_class("dog", ())])] == ["cat", "dog"]
    with pytest.raises(ValueError, match="name of two classes is Cat"):
        add_classes(first, [make_class("Cat", ())])
    with pytest.raises(ValueError, match="name of a class is empty"):
        make_class("", ())


class Brightness(torch.nn.Module):
    """Dark pictures are container ships, bright ones tabbies: logits from the mean pixel."""

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        level = batch.mean(dim=(1, 2, 3)) * 20
        return torch.stack([-level, level], dim=1)


CLASSIFIER = Classifier(
    "brightness",
    "test",
    ("container ship", "tabby"),
    ("n03095699", "n02123045"),
    ResizeAndCrop(resize=8, crop=8, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    Brightness(),
)


def paint(path, level, size=(20, 10), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size[1], size[0], 3), level, np.uint8)).convert(mode).save(path)


def test_pictures_become_classes_with_the_hyponyms_of_what_they_show(tmp_path):
    paint(tmp_path / "ship.png", 0)
    paint(tmp_path / "cat" / "one.jpg", 255)
    paint(tmp_path / "cat" / "two.jpg", 250, size=(9, 30), mode="L")
    paint(tmp_path / "toy.webp", 255)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_bytes(b"x")
    found = find_pictures(tmp_path)
    assert {label: len(files) for label, files in found.items()} == {"cat": 2, "ship": 1, "toy": 1}
    told = []
    classes, report = classes_from_pictures(
        CLASSIFIER, found, HyponymSettings(), True, 0.0, lambda done, total: told.append((done, total))
    )
    assert told == [(1, 3), (2, 3), (3, 3)]
    by_name = {spec.name: spec for spec in classes}
    assert "cargo ship" in [word.lower() for word in by_name["ship"].hyponyms] or len(by_name["ship"].hyponyms) > 10
    assert by_name["ship"].hypernym == "ship"
    # by hand: cat.n.01 has two hyponyms, so that the list goes on to theirs
    assert {"tabby cat", "domestic cat", "Siamese cat", "lynx"} <= set(by_name["cat"].hyponyms)
    assert "tabby is no kind of toy in WordNet, so the kinds of plaything.n.01 are listed" in report
    assert "teddy bear" in by_name["toy"].hyponyms  # its label stays true: no cat stands under it
    assert not {"tabby", "Siamese cat"} & set(by_name["toy"].hyponyms)
    assert "| cat | 2 | tabby |" in report


CAT, OF_A_MAC = "\uace0\uc591\uc774", unicodedata.normalize("NFD", "\uace0\uc591\uc774")  # cat in Korean, twice


def test_names_are_composed_however_they_were_typed_or_stored(tmp_path):
    """A Mac's Finder gives file names in decomposed letters, and what is pasted from it is too."""
    assert [spec.name for spec in classes_from_text(f"{OF_A_MAC}: Manx", LIBRARY)] == [CAT]
    assert make_class(OF_A_MAC, ()).name == CAT
    with pytest.raises(ValueError, match="name of two classes"):
        classes_from_text(f"{OF_A_MAC}\n{CAT}", LIBRARY)
    for name in (CAT, OF_A_MAC):
        (tmp_path / name).mkdir(exist_ok=True)  # macOS's own disks keep one of the two
        Image.new("RGB", (8, 8)).save(tmp_path / name / f"{len(name)}.png")
    Image.new("RGB", (8, 8)).save(tmp_path / f"{OF_A_MAC}.png")
    found = find_pictures(tmp_path)
    assert list(found) == [CAT]
    assert len(found[CAT]) == 3


@pytest.mark.parametrize("name", ["@eaDir", "$RECYCLE.BIN", "#recycle", "__MACOSX", ".Trash-1000", "lost+found"])
def test_folders_that_file_servers_keep_are_no_classes(tmp_path, name):
    """Synology puts a thumbnail of every picture into @eaDir."""
    for folder in (name, "cat"):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / folder / "a.png")
    assert list(find_pictures(tmp_path)) == ["cat"]


def test_no_picture_and_bad_pictures_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"expected cat\.jpg or cat"):
        find_pictures(tmp_path)
    (tmp_path / "cat.jpg").write_bytes(b"\xff\xd8 no picture")
    with pytest.raises(ValueError, match=r"cat\.jpg cannot be decoded"):
        read_picture(tmp_path / "cat.jpg")


def test_a_picture_of_an_uncertain_class_is_named(tmp_path):
    paint(tmp_path / "zzpet.png", 255)
    certain = CLASSIFIER.probabilities(read_picture(tmp_path / "zzpet.png")).max().item()
    with pytest.raises(ValueError, match=r"'zzpet'.*taken for tabby .*; expected a class of at least"):
        classes_from_pictures(
            CLASSIFIER, find_pictures(tmp_path), HyponymSettings(), True, certain + 0.001, lambda done, total: None
        )
    classes_from_pictures(
        CLASSIFIER, find_pictures(tmp_path), HyponymSettings(), True, certain, lambda done, total: None
    )


@pytest.mark.parametrize("label", ["cat", "bowl"])
def test_a_label_whose_own_kinds_are_listed_needs_no_certain_picture(tmp_path, label):
    """The regression: a picture of a tabby that was taken for one by a hair stopped a class of cats, or of bowls."""
    paint(tmp_path / f"{label}.png", 255)
    (made,), _ = classes_from_pictures(
        CLASSIFIER, find_pictures(tmp_path), HyponymSettings(), True, 1.1, lambda done, total: None
    )
    assert label in made.hypernym
    with pytest.raises(ValueError, match="taken for tabby"):  # what is seen names them
        classes_from_pictures(
            CLASSIFIER, find_pictures(tmp_path), HyponymSettings(), False, 1.1, lambda done, total: None
        )


def test_a_label_of_several_senses_needs_a_certain_picture_of_the_seldom_one(tmp_path):
    """The regression: a blurred machine that was taken for a bird at 12 % became a set of birds."""
    paint(tmp_path / "crane.png", 255)
    bird = replace(CLASSIFIER, class_names=("ship", "crane"), synsets=("", "n02012849"))
    with pytest.raises(ValueError, match="taken for crane"):
        classes_from_pictures(bird, find_pictures(tmp_path), HyponymSettings(), True, 1.1, lambda done, total: None)
    machine = replace(bird, synsets=("", "n03126707"))
    classes_from_pictures(machine, find_pictures(tmp_path), HyponymSettings(), True, 1.1, lambda done, total: None)


def test_a_class_that_wordnet_lacks_is_named_with_its_pictures(tmp_path):
    """A classifier without WordNet ids, whose class name WordNet does not have, used to stop without saying where."""
    paint(tmp_path / "zzpet.png", 255)
    unknown = replace(CLASSIFIER, class_names=("ship", "zzgrobble"), synsets=("", ""))
    with pytest.raises(ValueError, match="class 'zzpet', whose pictures show 'zzgrobble': "):
        classes_from_pictures(unknown, find_pictures(tmp_path), HyponymSettings(), True, 0.0, lambda done, total: None)


def test_transparent_parts_are_white(tmp_path):
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert float(read_picture(tmp_path / "a.png").min()) == 1.0


def test_sixteen_bit_grey_is_scaled_as_in_training(tmp_path):
    """By hand: 16 bits of white are 65,535 = 257 * 255, so that 257 * k is k of 255 (as evaluation's decode has it)."""
    grey = np.arange(256, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(grey * 257).save(tmp_path / "cat.png")
    seen = read_picture(tmp_path / "cat.png")[0, :, :, 0] * 255
    assert np.abs(seen.numpy() - grey).max() < 0.5


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("{old, rusty|new} ship, ferry", ("{old, rusty|new} ship", "ferry")),
        ("crane (bird, large), stork", ("crane (bird, large)", "stork")),
        ("{2$$, $$a|b}, c", ("{2$$, $$a|b}", "c")),
        ("a :), b", ("a :)", "b")),
        ("a (b, c", ("a (b", "c")),
    ],
)
def test_commas_within_braces_do_not_part_words(words, expected):
    assert classes_from_text(f"ship: {words}", Library())[0].hyponyms == expected


def test_several_classes_on_one_line_are_a_mistake():
    with pytest.raises(TemplateError, match="several classes on one line in the text of the classes, line 2, column 4"):
        classes_from_text("ship\ncat, dog, bird; images: 5", Library())
    assert classes_from_text("tench, Tinca tinca: tench", Library())[0].name == "tench, Tinca tinca"


# by hand, from WordNet 3.0: no hyponyms of golden retriever; mug.n.04 is the drinking vessel; cat.n.01 has domestic
# cat and wildcat, whose hyponyms Manx and lynx are
def test_a_bare_word_gets_its_kinds_and_the_sense_is_said():
    text = "cat\nmug\ngolden retriever\nzzgrobble\nship: liner, wreck"
    classes, report = with_kinds(classes_from_text(text, LIBRARY))
    kinds = {spec.name: spec.hyponyms for spec in classes}
    assert {"Manx cat", "Siamese cat", "lynx"} <= set(kinds["cat"])
    assert "beer mug" in kinds["mug"]
    assert kinds["golden retriever"] == ("golden retriever",)
    assert kinds["zzgrobble"] == ()
    assert kinds["ship"] == ("liner", "wreck")
    assert "taken: mug.n.04" in report
    assert "chump.n.01" in report  # another sense, to type
    assert "Here a sense is named like this: `mug; synset: mug.n.04`." in report
    assert "**zzgrobble** has no kinds: word is 'zzgrobble'" in report
    assert classes[1].synset == "n03797390"


def test_a_sense_is_named_as_the_report_says_and_the_label_stays():
    """Typed in the place of the word, as Hyponyms of Word takes it, its name was the label and the folder."""
    _, report = with_kinds(classes_from_text("mug", LIBRARY))
    (line,) = re.findall(r"named like this: `([^`]+)`", report)
    ((mug,), again) = with_kinds(classes_from_text(line.replace("mug.n.04", "chump.n.01"), LIBRARY))
    assert (mug.name, mug.synset) == ("mug", "n09921409")  # of WordNet 3.0: chump, fool, gull, mug
    assert "Taken: chump.n.01." in again


def test_a_warning_of_senses_comes_alone_and_once(caplog):
    """The report had hints for widgets that Classes from Text lacks, and the log the warning of every depth tried."""
    _, report = with_kinds([ClassSpec("kite")])
    assert "**Warning**: 'kite' has" in report
    assert "at_least" not in report
    assert "set depth" not in report
    assert len(caplog.records) == 1


def test_a_picture_of_a_class_without_kinds_lists_that_class(tmp_path):
    """tabby.jpg used to be filled with all domestic cats, since a tabby has no hyponyms."""
    paint(tmp_path / "tabby.jpg", 255)
    classes, _ = classes_from_pictures(
        CLASSIFIER, find_pictures(tmp_path), HyponymSettings(), True, 0.0, lambda done, total: None
    )
    assert [(spec.name, spec.hyponyms, spec.synset) for spec in classes] == [("tabby", ("tabby cat",), "n02123045")]


def test_lines_that_are_left_out_of_a_classs_list_are_known():
    lists = library({"kinds": ["Manx", "{two", "Korat"]})
    assert classes_from_text("cat: __kinds__", lists)[0].hyponyms == ("Manx", "Korat")
    assert ["kinds.txt, line 2" in message for message in lists.left_out] == [True]


def test_a_class_from_text_may_have_rules_of_its_own():
    cat, dog = classes_from_text("cat: Manx; not: Ocean, Reef; only: view=Front View\ndog", library({}))
    assert (cat.rules, dog.rules) == ("not Ocean, Reef\nonly view=Front View", "")
