"""Class mappings: the shipped ones do what they say, and an edited one is refused with its line."""

from __future__ import annotations

import numpy as np
import pytest

from hyponet.evaluation.pictures.labelled_images import labelled
from hyponet.evaluation.pictures.mapping import ClassMapping, shipped_mappings
from hyponet.evaluation.pictures.sources.cifar10 import CLASSES as CIFAR_CLASSES
from hyponet.evaluation.pictures.sources.stl10 import CLASSES as STL_CLASSES

from ..sample_pictures import MemoryPictures

THESIS = ("automobile", "cat", "horse", "ship", "truck")
# torchvision's numbers of the default classes, from the table of ImageNet classes of the five labels
IMAGENET = {
    "automobile": (436, 468, 511, 817),
    "cat": (281, 282, 283, 284, 285),
    "horse": (339,),
    "ship": (403, 510, 628, 724),
    "truck": (555, 569, 864, 867),
}


def one_each(names):
    return labelled("set", names, range(len(names)), MemoryPictures([np.full((2, 2, 3), 1, np.uint8)] * len(names)))


def test_line_ends_of_windows_belong_to_no_class():
    text = "cat = tabby, Persian | longhair\n# birds\nbird = robin\n"
    assert ClassMapping.parse(text.replace("\n", "\r\n"), "m") == ClassMapping.parse(text, "m")


def test_three_mappings_ship():
    assert shipped_mappings() == ("thesis: cifar10", "thesis: imagenet", "thesis: stl10")


@pytest.mark.parametrize(
    ("name", "classes", "chosen"),
    [
        ("thesis: cifar10", CIFAR_CLASSES, ("automobile", "cat", "horse", "ship", "truck")),
        ("thesis: stl10", STL_CLASSES, ("car", "cat", "horse", "ship", "truck")),
    ],
)
def test_the_thesis_classes(name, classes, chosen):
    mapped = ClassMapping.shipped(name).apply(one_each(classes))
    assert mapped.class_names == THESIS
    assert [classes[i] for i in mapped.indices] == sorted(chosen, key=classes.index)
    assert [mapped.class_names[label] for label in mapped.labels] == [
        "automobile" if classes[i] == "car" else classes[i] for i in mapped.indices
    ]


def test_imagenet_by_number_gives_900_pictures_as_in_the_thesis():
    mapped = ClassMapping.shipped("thesis: imagenet").apply(one_each([str(i) for i in range(1000)]))
    assert len(mapped) * 50 == 900
    found = {name: tuple(int(i) for i in mapped.indices[mapped.labels == k]) for k, name in enumerate(THESIS)}
    assert found == IMAGENET


def test_imagenet_by_wordnet_id_and_number_are_the_same_classes():
    # n02124075 is Egyptian cat, torchvision's 285; n04467665 trailer truck, 867; n02389026 sorrel, 339
    pairs = {
        source[0]: source[1] for _, sources in ClassMapping.shipped("thesis: imagenet").classes for source in sources
    }
    assert pairs["n02124075"] == "285"
    assert pairs["n04467665"] == "867"
    assert pairs["n02389026"] == "339"
    # wnids in order are torchvision's numbers in order
    assert sorted(pairs, key=lambda wnid: int(pairs[wnid])) == sorted(pairs)


def test_classes_join_and_the_rest_is_left_out():
    mapping = ClassMapping.parse("pet = Cat, dog|hound  # both\n\n# nothing else\nbird = bird", "mine")
    mapped = mapping.apply(one_each(("bird", "cat", "hound", "fish")))
    assert mapped.class_names == ("pet", "bird")
    assert mapped.labels.tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("text", "classes", "kept"),
    [
        ("cat = cat", ("Cat", "cat"), 2),
        ("cat = cat, Cat", ("Cat", "cat", "CAT"), 3),
        ("vehicle = automobile, car, truck|Lorry", ("Car", "lorry", "LORRY", "automobile"), 4),
        ("cat = cat|Cat", ("CAT", "cat"), 2),
        ("cat = cat\nautomobile = automobile", ("Cat", "cat", "automobile"), 3),
    ],
)
def test_nothing_that_a_source_names_is_lost(text, classes, kept):
    """By hand: one picture a class, and every class is named, whatever its case."""
    mapping = ClassMapping.parse(text, "mine")
    assert len(mapping.apply(one_each(classes))) == kept
    assert mapping.left_out(one_each(classes)) == {}


def test_what_a_mapping_leaves_out_is_counted():
    mapping = ClassMapping.parse("pet = Cat, dog", "mine")
    assert mapping.left_out(one_each(("bird", "cat", "dog", "fish"))) == {"bird": 1, "fish": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "states no class"),
        ("cat", "line 1"),
        ("cat =", "line 1"),
        ("= cat", "line 1"),
        ("cat = a\ncat = b", "line 2"),
        ("cat = a\n\ndog = b, A", "line 3 names the source 'a', which line 1"),
        ("cat = a,,b", "line 1"),
    ],
)
def test_a_bad_line_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        ClassMapping.parse(text, "mine")


def test_a_source_that_the_set_lacks_is_named_with_what_is_near():
    with pytest.raises(ValueError, match=r"trucks.*truck"):
        ClassMapping.parse("a = trucks", "mine").apply(one_each(CIFAR_CLASSES))


def test_a_file_is_read_as_utf_8_with_or_without_a_mark(tmp_path):
    (tmp_path / "mine.txt").write_bytes("\ufeffcat = \uace0\uc591\uc774".encode())
    assert ClassMapping.read(tmp_path / "mine.txt").classes == (("cat", (("\uace0\uc591\uc774",),)),)
    (tmp_path / "mine.txt").write_bytes(b"cat = \xff")
    with pytest.raises(ValueError, match=r"mine\.txt is not UTF-8"):
        ClassMapping.read(tmp_path / "mine.txt")
