"""The nodes of the hyponyms room: a classifier, what it sees in a picture, and the hyponyms of a picture or a word."""

from __future__ import annotations

import logging
from typing import Any

import torch
from comfy_api.latest import io

from .. import sockets
from ..checks import checked
from ..engine import answer
from ..widgets import FileCombo, names_found_when_opened, schema, seed_input
from . import engine
from .classifier import Classifier
from .hyponyms import LEMMA_POLICIES, MODES, Hyponyms, HyponymSettings, hyponyms_of_class, hyponyms_of_word
from .predictions import average_class, predictions_report, top_predictions
from .widgets import minimum_confidence_input

CATEGORY = "HypoNet/Hyponyms"
logger = logging.getLogger("hyponet")


class HypoNetLoadClassifier(io.ComfyNode):
    """A CLASSIFIER out of models/classifiers."""

    validate_inputs = names_found_when_opened("model_name")

    @classmethod
    def define_schema(cls) -> io.Schema:
        names = engine.classifier_names()
        return schema(
            node_id="HypoNetLoadClassifier",
            display_name="Load Classifier (ResNet, timm)",
            category=CATEGORY,
            description=(
                "Loads an image classifier from models/classifiers: a torchvision ResNet, a timm model, a Hugging Face "
                "folder, or what Train Classifier saved. ResNet-50 can be downloaded on choice."
            ),
            search_aliases=["resnet", "imagenet", "timm", "image classification"],
            inputs=[
                FileCombo(
                    "model_name",
                    options=names,
                    default=engine.default_name(names),
                    display_name="model",
                    tooltip=(
                        "A file or folder in models/classifiers. An entry that says (download ...) is fetched from the "
                        "Hugging Face hub the first time it runs, then kept in the hub's cache."
                    ),
                )
            ],
            outputs=[
                sockets.Classifier.Output(
                    "classifier",
                    display_name="classifier",
                    tooltip="The model with its own class names, WordNet ids and preprocessing.",
                )
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, model_name: str | None = None) -> str | float:
        return engine.fingerprint(model_name)

    @classmethod
    @checked
    def execute(cls, model_name: str) -> io.NodeOutput:
        return io.NodeOutput(engine.load_classifier(model_name))


class HypoNetClassifyImage(io.ComfyNode):
    """The likeliest classes of each picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetClassifyImage",
            display_name="Classify Image",
            category=CATEGORY,
            description="Names what is in each picture of a batch: the likeliest classes with their probabilities.",
            search_aliases=["predict", "what is in this picture", "top-k"],
            is_output_node=True,
            inputs=[
                _classifier_input(),
                io.Image.Input("image", tooltip="One picture or a batch; each is classified by itself."),
                io.Int.Input("top_k", default=5, min=1, max=1000, tooltip="Classes listed for each picture."),
                io.Float.Input(
                    "low_confidence",
                    default=0.3,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="The report warns when the likeliest class of a picture is less probable than this.",
                ),
            ],
            outputs=[
                io.String.Output(
                    "labels", display_name="labels", tooltip="The likeliest class of each picture, one a line."
                ),
                io.String.Output(
                    "wnids",
                    display_name="wnids",
                    tooltip="Its WordNet 3.0 id such as n02123045, one a line; an empty line where the model has none.",
                ),
                io.Float.Output(
                    "probability",
                    display_name="probability",
                    tooltip="The lowest of the pictures' highest probabilities, 0 to 1.",
                ),
                io.String.Output(
                    "report", display_name="report", tooltip="Markdown table of the likeliest classes of each picture."
                ),
            ],
        )

    @classmethod
    @checked
    def execute(cls, classifier: Classifier, image: torch.Tensor, top_k: int, low_confidence: float) -> io.NodeOutput:
        rows = top_predictions(classifier, image, top_k)
        labels = "\n".join(row[0].label for row in rows)
        wnids = "\n".join(row[0].synset for row in rows)
        report = predictions_report(rows, low_confidence)
        lowest = min(row[0].probability for row in rows)
        return io.NodeOutput(labels, wnids, lowest, report, ui=answer(report))


class HypoNetHyponymsOfImage(io.ComfyNode):
    """The hyponyms of what a sample picture shows."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetHyponymsOfImage",
            display_name="Hyponyms of Image (WordNet)",
            category=CATEGORY,
            description=(
                "Classifies a sample picture and lists the subcategories of what it shows: the hyponyms of its class's "
                "hypernym in WordNet 3.0, ready as a wildcard. A batch is read as several pictures of one class."
            ),
            search_aliases=["wordnet", "subcategories", "image to wildcard"],
            is_output_node=True,
            advanced=("lemmas", "include_class", "all_kinds"),
            inputs=[
                _classifier_input(),
                io.Image.Input(
                    "image", tooltip="A sample picture; the probabilities of a batch are averaged to one class."
                ),
                minimum_confidence_input(""),
                *_settings_inputs(include_class=True),
            ],
            outputs=_hyponym_outputs(),
        )

    @classmethod
    @checked
    def execute(
        cls, classifier: Classifier, image: torch.Tensor, minimum_confidence: float, **settings: Any
    ) -> io.NodeOutput:
        prediction = average_class(classifier, image, minimum_confidence)
        hyponyms = hyponyms_of_class(prediction.synset, prediction.label, _settings(settings), note=prediction.note)
        return _hyponym_values(hyponyms)


class HypoNetHyponymsOfWord(io.ComfyNode):
    """The hyponyms of a word."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetHyponymsOfWord",
            display_name="Hyponyms of Word (WordNet)",
            category=CATEGORY,
            description="Lists the subcategories of a word: its hyponyms in WordNet 3.0, ready as a wildcard.",
            essentials_category="HypoNet",
            search_aliases=["wordnet", "subcategories", "word to wildcard"],
            is_output_node=True,
            advanced=("lemmas", "include_class", "all_kinds"),
            inputs=[
                io.String.Input(
                    "word",
                    default="ship",
                    dynamic_prompts=False,
                    tooltip=(
                        "A noun. It may name its sense: crane.n.05, crane (bird), or a WordNet id such as n02012849. "
                        "Otherwise the likeliest to be drawn is taken: things first; the report lists the others."
                    ),
                ),
                *_settings_inputs(include_class=False),
            ],
            outputs=_hyponym_outputs(),
        )

    @classmethod
    @checked
    def execute(cls, word: str, **settings: Any) -> io.NodeOutput:
        return _hyponym_values(hyponyms_of_word(word, _settings(settings)))


def _classifier_input() -> io.Input:
    return sockets.Classifier.Input("classifier", tooltip="From Load Classifier.")


def _settings_inputs(*, include_class: bool) -> list[io.Input]:
    return [
        io.Combo.Input(
            "mode",
            options=list(MODES),
            default="exact",
            tooltip=(
                "exact: the class's own WordNet id names the synset. thesis: the label is looked up as in the thesis, "
                "the first hypernym of any sense is taken, all its direct hyponyms are listed but slang, obscene words "
                "and slurs, which are left out in every mode; only the maximum count and seed act then."
            ),
        ),
        io.Int.Input(
            "at_least",
            default=4 if include_class else 1,
            min=1,
            max=1000,
            tooltip="Climb to broader hypernyms until the list has this many entries; not used with an ancestor.",
        ),
        io.String.Input(
            "ancestor",
            default="",
            dynamic_prompts=False,
            tooltip="Climb to this hypernym, e.g. ship or ship.n.01 for a container ship. Empty: climb by count.",
        ),
        io.Int.Input(
            "depth",
            default=1,
            min=1,
            max=20,
            tooltip="How many levels below the hypernym are listed; 1 is its direct hyponyms.",
        ),
        io.Combo.Input(
            "lemmas",
            options=list(LEMMA_POLICIES),
            default="unambiguous",
            tooltip=(
                "Each kind is one entry. unambiguous: the name that people say and that means nothing else, with the "
                "class word where it must be (queen cat). first: WordNet's first name. all: every name, as one entry "
                "such as {kitty|pussycat}."
            ),
        ),
        io.Boolean.Input(
            "include_class",
            default=include_class,
            tooltip=(
                "Whether the class of the picture, or the word itself, stands in the list too. A word without kinds, "
                "or one whose sisters are listed, always does."
            ),
        ),
        io.Boolean.Input(
            "all_kinds",
            default=False,
            tooltip=(
                "Also kinds that no picture of the class shows (extinct, fictional, persons, parts, substances), and "
                "hypernyms too broad to mean the class, such as device."
            ),
        ),
        io.Int.Input(
            "max_count",
            default=0,
            min=0,
            max=100_000,
            tooltip="At most this many entries, chosen by the seed; 0 keeps all.",
        ),
        seed_input("Chooses the entries when there are too many."),
    ]


def _hyponym_outputs() -> list[io.Output]:
    return [
        sockets.Hyponyms.Output(
            "hyponyms", display_name="hyponyms", tooltip="The list with its class word and hypernym, for Class."
        ),
        io.String.Output("wildcard_text", display_name="wildcard text", tooltip="The hyponyms, one a line."),
        io.String.Output(
            "class_word",
            display_name="class word",
            tooltip="The hypernym's short name, e.g. cat for domestic cat.",
        ),
        io.String.Output("hypernym", display_name="hypernym", tooltip="The hypernym whose hyponyms are listed."),
        io.String.Output("path", display_name="path", tooltip="The hypernym's own hypernyms up to entity."),
        io.String.Output(
            "report", display_name="report", tooltip="Markdown: what was kept, what was dropped, and why."
        ),
    ]


def _settings(widgets: dict[str, Any]) -> HyponymSettings:
    """The widgets of `_settings_inputs`; they are called as the fields of HyponymSettings."""
    return HyponymSettings(**{**widgets, "ancestor": widgets["ancestor"].strip()})


def _hyponym_values(hyponyms: Hyponyms) -> io.NodeOutput:
    """The values of `_hyponym_outputs`."""
    if hyponyms.warning:
        logger.warning("%s", hyponyms.warning)
    return io.NodeOutput(
        hyponyms,
        "\n".join(hyponyms.words),
        hyponyms.word,
        hyponyms.hypernym,
        " > ".join(hyponyms.path),
        hyponyms.report,
        ui=answer(hyponyms.report),
    )


NODES: list[type[io.ComfyNode]] = [
    HypoNetLoadClassifier,
    HypoNetClassifyImage,
    HypoNetHyponymsOfImage,
    HypoNetHyponymsOfWord,
]
