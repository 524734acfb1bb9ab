"""Sixty-five plans, each with one mistake that people make: it is named, with at most one line beside it that is none.

Written by hand; what each plan must say is the mistake that was planted. Words and their kinds: WordNet 3.0.
"""

from __future__ import annotations

import pytest

from hyponet.nodes.hyponyms.taxonomy import taxonomy
from hyponet.nodes.prompts.classes.make import classes_from_text
from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.plan import Plan
from hyponet.nodes.prompts.preview.advice import advise
from hyponet.nodes.prompts.preview.usage import use_of
from hyponet.nodes.prompts.wildcards.library import Library
from tools.dev.places import ROOT
from tools.workflows.builder import thesis_sets

from ..prompt_fixtures import library

PLACES = ["on a street", "in a garden", "on a beach"]
RETRIEVERS = ("flat-coated retriever", "curly-coated retriever", "Labrador retriever")


def classes(*names, **hyponyms):
    return tuple(ClassSpec(name) for name in names) + tuple(
        ClassSpec(name, hyponyms=tuple(words)) for name, words in hyponyms.items()
    )


# name of the plan: classes, template, options of __loc__, negative, what one of the lines must say
PLANS = {
    # fixed text names a class
    "text_cat": (classes("cat", "dog"), "a cat __loc__, {__class__|a __class__}", None, "", "dog**: label leak: the"),
    "text_plural": (classes("cat", "dog"), "__class__ among dogs __loc__", None, "", "cat**: label leak: the"),
    "text_weight": (classes("horse", "ship"), "(ship:1.2), __class__ __loc__", None, "", "horse**: label leak: the"),
    "text_synonym": (classes("automobile", "tree"), "__class__ and a car __loc__", None, "", "tree**: label leak: the"),
    "text_kind": (classes("dog", "cat"), "__class__ with a beagle __loc__", None, "", "cat**: label leak: the"),
    "text_irregular": (classes("mouse", "cat"), "__class__ chasing mice __loc__", None, "", "cat**: label leak: the"),
    "text_of_class": (
        (ClassSpec("cat", template="a dog __loc__, __class__"), ClassSpec("dog")),
        "__class__ __loc__",
        None,
        "",
        "cat**: label leak: the",
    ),
    # no word of the class
    "nothing": (classes("cat", "dog"), "photo __loc__, 8k", None, "", "no word of the class"),
    "some": (classes("cat", "dog"), "{__class__|an animal} __loc__", None, "", "no word of the class"),
    "other_class": (
        (ClassSpec("cat"), ClassSpec("dog", template="a pet __loc__")),
        "__class__ __loc__",
        None,
        "",
        "no word",
    ),
    # synonyms and kinds in options
    "synonym": (
        classes("automobile", "tree"),
        "__class__ __loc__",
        ["in a street full of cars"],
        "",
        "class automobile",
    ),
    "compound": (classes("car", "cat"), "__class__ __loc__", ["in a car park", "in a garden"], "", "class car"),
    "kind": (classes("dog", "sofa"), "__class__ __loc__", ["beside a poodle", "in a room"], "", "class dog"),
    "kind_of_ship": (classes("ship", "cat"), "__class__ __loc__", ["with a steamship behind it"], "", "class ship"),
    "kind_of_bird": (classes("bird", "cat"), "__class__ __loc__", ["with two robins", "in a garden"], "", "class bird"),
    # plurals and other forms in options
    "buses": (classes("bus", "cat"), "__class__ __loc__", ["between buses", "in a garden"], "", "class bus"),
    "foxes": (classes("fox", "house"), "__class__ __loc__", ["with foxes", "in a garden"], "", "class fox"),
    "people": (classes("person", "cat"), "__class__ __loc__", ["in a crowd of people"], "", "class person"),
    "possessive": (classes("dog", "cat"), "__class__ __loc__", ["in a dog's basket", "in a room"], "", "class dog"),
    "hyphen": (classes("cat", "horse"), "__class__ __loc__", ["in a cat-filled room", "in a room"], "", "class cat"),
    "geese": (classes("goose", "pond"), "__class__ __loc__", ["among geese", "in a garden"], "", "class goose"),
    "wolves": (classes("wolf", "cat"), "__class__ __loc__", ["watched by wolves"], "", "class wolf"),
    "dog_park": (classes("dog", "cat"), "__class__ __loc__", ["in a dog park", "in a room"], "", "class dog"),
    "harbour": (classes("ship", "cat"), "__class__ __loc__", ["in a harbour with ships"], "", "class ship"),
    "colour": (classes("orange", "apple"), "a __col__ __class__", ["red", "orange"], "", "class orange"),
    # hyponyms of something else
    "sisters": (
        (ClassSpec("golden retriever", hyponyms=RETRIEVERS, synset="n02099029"),),
        "__hyponym__ __loc__",
        None,
        "",
        "WordNet puts no sense of flat-coated retriever",
    ),
    "sisters_typed": (
        classes(**{"tabby": ["Persian cat", "Siamese cat"]}),
        "__hyponym__ __loc__",
        None,
        "",
        "no sense of",
    ),
    "stranger": (classes(cat=["tabby", "spaniel"]), "__hyponym__ __loc__", None, "", "no sense of spaniel"),
    "of_other_class": (
        classes(cat=["tabby", "beagle"], dog=["poodle"]),
        "__hyponym__ __loc__",
        None,
        "",
        "under class dog",
    ),
    "shared": (classes(car=["cab", "van"], truck=["van"]), "__hyponym__ __loc__", None, "", "in several classes"),
    "overlap": (classes("dog", "beagle"), "__class__ __loc__", None, "", "class beagle is a kind of class dog"),
    "unused": (classes(cat=["tabby", "Manx"]), "__class__ __loc__", None, "", "its hyponyms are never used"),
    # empty prompts
    "empty": (classes("cat"), "{__class__ __loc__|}", None, "", "prompts are empty"),
    # what hardly exists
    "truck_ocean": (
        classes("truck", "chair"),
        "__class__ in __loc__",
        ["Ocean", "a street"],
        "",
        "truck, chair with Ocean",
    ),
    "ship_desert": (classes("ship", "cat"), "__class__ in __loc__", ["a desert", "a bay"], "", "ship with a desert"),
    # negatives
    "negative_synonym": (classes("automobile"), "__class__ __loc__", None, "blurry, cars", "negative names the class"),
    "negative_kind": (classes("dog"), "__class__ __loc__", None, "blurry, puppies", "negative names the class"),
    "negative_word": (classes("dog"), "__class__ __loc__", None, "blurry, dog", "the negative repeats words"),
    # others
    "twice": (classes("cat"), "__class__ __loc__", ["in a room", "in a room", "in a garden"], "", "1 repeated options"),
    "bad_line": (classes("cat"), "__class__ __loc__", ["in a room", "{two"], "", "a { that is not closed in loc.txt"),
}

# of other words, written after the first forty had passed
MORE = {
    "text_stallion": (classes("horse", "bicycle"), "a stallion, __class__ __loc__", None, "", "bicycle**: label leak"),
    "text_two_words": (
        classes("fire engine", "bench"),
        "__class__ beside a fire truck __loc__",
        None,
        "",
        "bench**: label leak: the",
    ),
    "text_leaves": (classes("leaf", "coin"), "__class__ on leaves __loc__", None, "", "coin**: label leak: the"),
    "text_brackets": (
        classes("guitar", "lamp"),
        "[guitar:0.8], __class__ __loc__",
        None,
        "",
        "lamp**: label leak: the",
    ),
    "text_capitals": (
        classes("airplane", "tent"),
        "AEROPLANES over a __class__ __loc__",
        None,
        "",
        "tent**: label leak: the",
    ),
    "none_of_one_class": (
        (ClassSpec("mug"), ClassSpec("kettle", template="an object __loc__, studio light")),
        "__class__ __loc__",
        None,
        "",
        "kettle**: 3 of 3 prompts have no word of the class",
    ),
    "none_in_half": (classes("bridge", "tower"), "{__class__|a landmark} __loc__", None, "", "no word of the class"),
    "bike": (classes("bicycle", "bench"), "__class__ __loc__", ["leaning on a bike"], "", "class bicycle"),
    "eagle": (classes("bird", "fence"), "__class__ __loc__", ["under a flying eagle"], "", "class bird"),
    "knives": (classes("knife", "pan"), "__class__ __loc__", ["among knives", "on a board"], "", "class knife"),
    "women": (classes("woman", "car"), "__class__ __loc__", ["watched by two women"], "", "class woman"),
    "stable": (classes("horse", "cow"), "__class__ __loc__", ["in a horse's stable", "in a field"], "", "class horse"),
    "tree_lined": (classes("tree", "house"), "__class__ __loc__", ["on a tree-lined avenue"], "", "class tree"),
    "boat_show": (classes("boat", "gull"), "__class__ __loc__", ["at a boat show"], "", "class boat"),
    "sheep": (classes("sheep", "dog"), "__class__ __loc__", ["with a flock of sheep"], "", "class sheep"),
    "hammer": (classes(flower=["daisy", "hammer"]), "__hyponym__ __loc__", None, "", "no sense of hammer"),
    "crossed": (
        classes(guitar=["acoustic guitar"], drum=["snare drum", "electric guitar"]),
        "__hyponym__ __loc__",
        None,
        "",
        "under class guitar",
    ),
    "negative_plural": (classes("rose"), "__class__ __loc__", None, "blurry, roses", "negative names the class"),
    "negative_sparrow": (classes("bird"), "__class__ __loc__", None, "text, sparrows", "negative names the class"),
    "negative_couch": (classes("sofa"), "__class__ __loc__", None, "couch, text", "negative names the class"),
    "empty_first": (classes("lamp"), "{|__class__ __loc__}", None, "", "prompts are empty"),
    "bus_lake": (classes("bus", "teapot"), "__class__ in __loc__", ["a lake", "a kitchen"], "", "bus with a lake"),
    "elephant_sea": (classes("elephant"), "__class__ in __loc__", ["the sea", "a field"], "", "elephant with the sea"),
    "whale_forest": (classes("whale"), "__class__ in __loc__", ["a forest", "a bay"], "", "whale with a forest"),
    "sparrow": (classes("sparrow", "bird"), "__class__ __loc__", None, "", "class sparrow is a kind of class bird"),
}


def lines_of(plan):
    advice = advise(plan, [use_of(plan, label) for label in plan.labels], 7.5, taxonomy())
    return [*advice.warnings, *(str(error) for error in plan.left_out())]


def make(name):
    specs, template, places, negative, expected = (PLANS | MORE)[name]
    lists = library({"loc": places or PLACES, "col": places or ["red"]})
    images = min(3 if places is None else len(places), 3)
    return Plan(specs, template, lists, negative=negative, images_per_class=images), expected


@pytest.mark.parametrize("name", [*PLANS, *MORE])
def test_the_planted_fault_is_named_and_hardly_anything_else(name):
    plan, expected = make(name)
    lines = lines_of(plan)
    assert [line for line in lines if expected in line], lines
    assert len([line for line in lines if expected not in line and "prompts repeat" not in line]) <= 1, lines


def test_there_are_sixty_five_plans():
    assert len(PLANS) == 40
    assert len(MORE) == 25


# one word that says what else is there; with a class that it is no kind of
SHOWS = [
    ("dog", "in front of a doghouse"),
    ("cat", "with three kittens"),
    ("car", "under a carport"),
    ("bird", "beside a birdhouse"),
    ("boat", "at the boathouse"),
    ("horse", "with a foal"),
]


@pytest.mark.parametrize(("label", "place"), SHOWS)
def test_one_word_that_shows_another_class_is_named(label, place):
    plan = Plan(classes(label, "lamp"), "__class__ __loc__", library({"loc": [place]}), images_per_class=1)
    lines = [line for line in lines_of(plan) if "prompts repeat" not in line]
    assert lines == [f"**lamp**: label leak: {place} in slot loc names or lies under class {label}."]


SOUND = {
    "hot_dog": (classes("dog", "cat"), "__class__ __loc__", ["at a hot dog stand", "under a horse chestnut"]),
    "bird_view": (classes("bird", "horse"), "{bird's-eye view|side view} of a __class__", None),
    "chestnut": (classes("horse", "dog"), "__class__ __loc__", ["under a horse chestnut", "beside a dog rose"]),
    "breeds": (classes(cat=["ragdoll", "Maine Coon", "Bengal", "Burmese"], horse=["Friesian"]), "__hyponym__", None),
    "boats": (classes(ship=["fishing boat", "yacht", "kayak", "ferry"]), "__hyponym__ __loc__", None),
    "dogs": (classes(dog=["labradoodle", "Shiba Inu", "Siberian husky"]), "__hyponym__ __loc__", None),
    "machine": (classes("automobile", "cat"), "__class__ __loc__", ["beside a washing machine", "in a machine shop"]),
    "one_word": (classes("cat", "car"), "__class__ __loc__", ["on a catwalk", "on a carpet", "beside cardboard"]),
    "near": (classes("truck"), "__class__ near the __loc__", ["ocean", "lake"]),
    "puppy": ((ClassSpec("dog", template="a puppy __loc__"), ClassSpec("cat")), "__class__ __loc__", None),
    "own_list": ((ClassSpec("cat"),), "a __thesis/cat__ __loc__", None),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_plan_has_no_warning(name):
    specs, template, places = SOUND[name]
    lists = library({"loc": places or PLACES, "thesis/cat": ["Maine Coon", "Ragdoll"]})
    plan = Plan(specs, template, lists, images_per_class=2)
    assert [line for line in lines_of(plan) if "prompts repeat" not in line and "never used" not in line] == []


@pytest.mark.parametrize("folder", ["thesis/", ""])
@pytest.mark.parametrize("coverage", ["random", "balanced"])
def test_the_thesis_plan_has_at_most_four_lines_all_true(folder, coverage):
    """WordNet 3.0 has the van among the trucks; ship.txt as printed has three lines twice."""
    lists = Library([ROOT / "wildcards"])
    text = thesis_sets.class_lines(with_prompts=True).replace("thesis/", folder)
    template = thesis_sets.WITH_COLOR.replace("thesis/", folder)
    plan = Plan(
        classes_from_text(text, lists),
        template,
        lists,
        negative=thesis_sets.FN,
        coverage=coverage,
        images_per_class=5000,
    )
    advice = advise(plan, [use_of(plan, label) for label in plan.labels], 7.5, taxonomy())
    assert len(advice.notes) == 1
    true = ("Van, Delivery Van", "3 repeated options", "prompts repeat an earlier one", "pairs that hardly exist")
    assert len(advice.warnings) <= 4
    assert [line for line in advice.warnings if not any(text in line for text in true)] == []
