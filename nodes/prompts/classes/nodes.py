"""The nodes that make classes: Class, Classes from Text, from Pictures, from Captions."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ... import sockets
from ...checks import checked
from ...engine import answer
from ...hyponyms.classifier import Classifier
from ...hyponyms.hyponyms import MODES, Hyponyms, HyponymSettings
from ...hyponyms.widgets import minimum_confidence_input
from ...widgets import TemplateInput, schema, seed_input
from .. import engine
from ..item import ClassSpec
from ..language.names import mention
from .captions import captions_report, classes_of_captions
from .engine import classes_from_pictures, fingerprint_pictures
from .kinds import with_kinds
from .make import add_classes, class_hyponyms, classes_from_text, make_class

CATEGORY = "HypoNet/Prompts"


class HypoNetDefineClass(io.ComfyNode):
    """One class of a set."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetDefineClass",
            display_name="Class (label, category)",
            category=CATEGORY,
            description=(
                "One class of a data set: its name, its hyponyms, and what is different for it. Chain several by "
                "connecting the classes output to the next Class."
            ),
            search_aliases=["label", "category"],
            advanced=("own_negative", "negative", "rules"),
            inputs=[
                sockets.Classes.Input("previous", optional=True, tooltip="The classes before this one."),
                sockets.Hyponyms.Input(
                    "hyponyms", optional=True, tooltip="What __hyponym__ stands for; else the list named below."
                ),
                io.String.Input(
                    "class_name",
                    default="",
                    dynamic_prompts=False,
                    display_name="name",
                    tooltip="The label, and what __class__ stands for. Empty: the class word of the hyponyms.",
                ),
                io.String.Input(
                    "hyponym_wildcard",
                    default="",
                    dynamic_prompts=False,
                    display_name="hyponym list",
                    tooltip="Name of a wildcard with the hyponyms, e.g. thesis/cat; used when no hyponyms are linked.",
                ),
                io.String.Input(
                    "hypernym",
                    default="",
                    dynamic_prompts=False,
                    tooltip="What __hypernym__ stands for. Empty: the hypernym of the linked hyponyms, else the name.",
                ),
                engine.template_input("template", "", "This class's own template. Empty: the plan's."),
                io.Boolean.Input(
                    "own_negative", default=False, tooltip="Use the negative below, also an empty one, for this class."
                ),
                engine.template_input("negative", "", "This class's own negative template."),
                io.String.Input(
                    "omit",
                    default="",
                    dynamic_prompts=False,
                    tooltip="Slots left out for this class, with commas between, e.g. color. The prompt is tidied.",
                ),
                io.Int.Input(
                    "image_count", default=0, min=0, max=10_000_000, tooltip="Images of this class; 0: as the plan."
                ),
                engine.rules_input("Rules for this class alone, a line each: not Ocean, Reef. Beside the plan's."),
            ],
            outputs=[_classes_output()],
        )

    @classmethod
    def fingerprint_inputs(
        cls,
        hyponym_wildcard: str | None = None,
        template: str | None = None,
        negative: str | None = None,
        **_: object,
    ) -> str:
        return engine.fingerprint([template, negative, mention(hyponym_wildcard)])

    @classmethod
    @checked
    def execute(
        cls,
        class_name: str,
        hyponym_wildcard: str,
        hypernym: str,
        template: str,
        own_negative: bool,
        negative: str,
        omit: str,
        image_count: int,
        rules: str = "",
        previous: tuple[ClassSpec, ...] | None = None,
        hyponyms: Hyponyms | None = None,
    ) -> io.NodeOutput:
        wildcards = engine.library()
        source = class_hyponyms(hyponyms, hyponym_wildcard.strip(), wildcards)
        spec = make_class(
            class_name.strip() or (source.word if source else ""),
            source.words if source else (),
            hypernym=hypernym.strip() or (source.hypernym if source else ""),
            synset=source.synset if source else "",
            template=template,
            negative=negative if own_negative else None,
            omit=omit,
            count=image_count or None,
            rules=rules,
        )
        return io.NodeOutput(add_classes(previous, [spec]), **engine.told_of(wildcards))


class HypoNetClassesFromText(io.ComfyNode):
    """Many classes, one a line."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetClassesFromText",
            display_name="Classes from Text",
            category=CATEGORY,
            description="Many classes at once, one a line: name: hyponyms; omit: color; images: 100.",
            essentials_category="HypoNet",
            search_aliases=["labels", "class list"],
            is_output_node=True,
            inputs=[
                sockets.Classes.Input("previous", optional=True, tooltip="The classes before these."),
                TemplateInput(
                    "text",
                    default="cat: __cat__; omit: color\nship: __ship__",
                    is_whole=False,
                    tooltip=(
                        "One class a line, its name alone or with what follows. After the name and a colon its "
                        "hyponyms, commas between, or a __wildcard__; then, after semicolons, omit: slots, images: "
                        "number, hypernym: word, synset: n02121808, negative: text, not: options, only: options, "
                        "template: text. # begins a comment line."
                    ),
                ),
                io.Boolean.Input(
                    "kinds_of_words",
                    default=True,
                    tooltip=(
                        "Give a class without hyponyms the kinds of its name in WordNet. The report says which sense "
                        "was taken; synset: names another."
                    ),
                ),
            ],
            outputs=[
                _classes_output(),
                io.String.Output("report", display_name="report", tooltip="Markdown: kinds and senses of bare words."),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, text: str | None = None, **_: object) -> str:
        return engine.fingerprint([text])

    @classmethod
    @checked
    def execute(cls, text: str, kinds_of_words: bool, previous: tuple[ClassSpec, ...] | None = None) -> io.NodeOutput:
        wildcards = engine.library()
        classes, report = classes_from_text(text, wildcards), ""
        if kinds_of_words:
            classes, report = with_kinds(classes)
        # an output node that shows nothing is taken for one that did not run
        report = report or f"Classes: {', '.join(spec.name for spec in classes)}."
        return io.NodeOutput(add_classes(previous, classes), report, **engine.told_of(wildcards, report))


class HypoNetClassesFromPictures(io.ComfyNode):
    """A class for each sample picture or folder of sample pictures."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetClassesFromPictures",
            display_name="Classes from Pictures",
            category=CATEGORY,
            description=(
                "A class for each sample picture, or folder of sample pictures: cat.jpg, or cat/*.jpg. Each "
                "is classified and its hyponyms are looked up in WordNet; the file or folder name is the label."
            ),
            search_aliases=["sample images", "image to classes"],
            is_output_node=True,
            inputs=[
                sockets.Classifier.Input("classifier", tooltip="From Load Classifier."),
                sockets.Classes.Input("previous", optional=True, tooltip="The classes before these."),
                io.String.Input(
                    "folder",
                    default="samples",
                    dynamic_prompts=False,
                    tooltip="A folder with the pictures, below ComfyUI's input folder or in hyponet_datasets.",
                ),
                minimum_confidence_input(", where its hyponyms are listed and not the label's own kinds"),
                io.Combo.Input(
                    "mode",
                    options=list(MODES),
                    default="exact",
                    tooltip="exact: by the class's own WordNet id. thesis: by its label, as in the thesis.",
                ),
                io.Boolean.Input(
                    "climb_to_name",
                    default=True,
                    tooltip=(
                        "Climb to the hypernym that the file or folder is named after (ship for a container ship); if "
                        "the name is no hypernym of what is seen, climb until there are enough hyponyms."
                    ),
                ),
                io.Int.Input(
                    "at_least", default=5, min=1, max=1000, tooltip="Climb until there are this many hyponyms."
                ),
                io.Int.Input("depth", default=1, min=1, max=20, tooltip="Levels below the hypernym that are listed."),
                io.Int.Input(
                    "max_count", default=0, min=0, max=100_000, tooltip="At most this many hyponyms; 0 keeps all."
                ),
                seed_input("Chooses the hyponyms when there are too many."),
            ],
            outputs=[
                _classes_output(),
                io.String.Output("report", display_name="report", tooltip="Markdown: what was seen and what was kept."),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, folder: str | None = None, **_: object) -> str | float:
        return fingerprint_pictures(folder)

    @classmethod
    @checked
    def execute(
        cls,
        classifier: Classifier,
        folder: str,
        climb_to_name: bool,
        minimum_confidence: float,
        previous: tuple[ClassSpec, ...] | None = None,
        **settings: Any,
    ) -> io.NodeOutput:
        asked = HyponymSettings(**settings)
        classes, report = classes_from_pictures(classifier, folder, asked, climb_to_name, minimum_confidence)
        return io.NodeOutput(add_classes(previous, classes), report, ui=answer(report))


class HypoNetClassesFromCaptions(io.ComfyNode):
    """A class for each label, with the captions of its pictures."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetClassesFromCaptions",
            display_name="Classes from Captions",
            category=CATEGORY,
            description=(
                "Captions of real pictures as prompts: each class gets the captions of its pictures, in the place of "
                "its hyponyms. A template such as `a photo of a __class__, __hyponym__` and balanced coverage ask for "
                "each caption equally often."
            ),
            search_aliases=["BLIP", "real guidance", "caption to prompt"],
            is_output_node=True,
            is_input_list=True,
            inputs=[
                sockets.Classes.Input("previous", optional=True, tooltip="Classes that come before those of captions."),
                io.String.Input(
                    "captions",
                    multiline=True,
                    default="a cat on a sofa",
                    dynamic_prompts=False,
                    tooltip="A caption a line, in the order of the pictures: link Caption Images.",
                ),
                io.String.Input(
                    "labels",
                    default="cat",
                    dynamic_prompts=False,
                    tooltip="The class of each caption's picture, linked from Sample Images; one name goes for all.",
                ),
            ],
            outputs=[
                _classes_output(),
                io.String.Output(
                    "report", display_name="report", tooltip="Markdown: how many captions each class has."
                ),
            ],
        )

    @classmethod
    @checked
    def execute(
        cls, captions: list[str], labels: list[str], previous: list[tuple[ClassSpec, ...]] | None = None
    ) -> io.NodeOutput:
        text = "\n".join(captions)
        classes = classes_of_captions(text, labels)
        report = captions_report(classes, sum(bool(line.strip()) for line in text.splitlines()))
        return io.NodeOutput(add_classes(previous[0] if previous else None, classes), report, ui=answer(report))


def _classes_output() -> io.Output:
    return sockets.Classes.Output(
        "classes", display_name="classes", tooltip="All classes so far, for the next Class or Dataset Plan."
    )


NODES: list[type[io.ComfyNode]] = [
    HypoNetDefineClass,
    HypoNetClassesFromText,
    HypoNetClassesFromPictures,
    HypoNetClassesFromCaptions,
]
