"""The nodes of the prompts room: wildcards, classes, plans, and single prompts."""

from __future__ import annotations

from comfy_api.latest import io, ui

from .. import checks, sockets
from ..engine import schema
from ..hyponet.classifier import Classifier
from ..hyponet.hyponyms import Hyponyms
from . import engine
from .classes import add_class, classes_from_text, make_class
from .plan import COVERAGE, ORDERS, ClassSpec, Plan

CATEGORY = "HypoNet/Prompts"
SEED_LIMIT = 2**64 - 1
TEMPLATE = (
    "__view__ of a __color__ (__hyponym__:1.4) in __location__, best quality, 8k, realistic, (photo-realistic:1.4)"
)
NEGATIVE = "worst quality, low quality, watermark, drawings, cartoons, graphics, bad proportions"


class HypoNetDynamicPrompt(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetDynamicPrompt",
            display_name="Dynamic Prompt",
            category=CATEGORY,
            description=(
                "Turns one template into one prompt, or into a list of prompts, of a fixed seed: {a|b}, {2$$a|b|c}, "
                "__wildcard__, ${name=...}. The same seed and number give the same prompt on every machine."
            ),
            search_aliases=["wildcard", "dynamicprompts", "random prompt", "wildcard processor"],
            inputs=[
                _template("template", "", "The template; what stands in no braces is kept as it is."),
                io.Combo.Input(
                    "coverage", options=list(COVERAGE), default="random", tooltip="How options are dealt: " + _DEALT
                ),
                io.Int.Input("count", default=1, min=1, max=10_000, tooltip="Prompts in the list; 1 gives one prompt."),
                io.Int.Input(
                    "batch_number",
                    default=0,
                    min=0,
                    max=2**31,
                    tooltip="Which list of that many prompts: 0 the first, 1 the next. Set it to increment to go on.",
                ),
                _seed("Chooses the prompts, and the seed of each."),
            ],
            outputs=[
                io.String.Output("prompt", display_name="prompt", is_output_list=True, tooltip="The prompts, a list."),
                io.String.Output(
                    "picks",
                    display_name="picks",
                    is_output_list=True,
                    tooltip="For each prompt, what was picked: JSON list of slot, option and source file.",
                ),
                io.Int.Output(
                    "item_seed",
                    display_name="seed",
                    is_output_list=True,
                    tooltip="For each prompt a seed below 2^32, for KSampler.",
                ),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, template: str | None = None, **_: object) -> str:
        return engine.fingerprint([template])

    @classmethod
    def execute(cls, template: str, coverage: str, count: int, batch_number: int, seed: int) -> io.NodeOutput:
        plan = engine.single_plan(
            checks.text(template, "template"),
            checks.choice(coverage, COVERAGE, "coverage"),
            checks.integer(seed, 0, SEED_LIMIT, "seed"),
        )
        count = checks.integer(count, 1, 10_000, "count")
        first = checks.integer(batch_number, 0, 2**31, "batch_number") * count
        items = [plan.item(plan.labels[0], first + number) for number in range(count)]
        return io.NodeOutput(
            [item.prompt for item in items], [engine.picks_json(item) for item in items], [item.seed for item in items]
        )


class HypoNetSaveWildcard(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetSaveWildcard",
            display_name="Save Wildcard",
            category=CATEGORY,
            description=(
                "Writes a list of hyponyms, or of words, as a wildcard file into the user folder of ComfyUI, so that "
                "__name__ stands for any one of them in every template."
            ),
            search_aliases=["write wildcard", "export hyponyms"],
            is_output_node=True,
            inputs=[
                sockets.Hyponyms.Input("hyponyms", optional=True, tooltip="The list to write, one word a line."),
                io.String.Input(
                    "words",
                    multiline=True,
                    default="",
                    dynamic_prompts=False,
                    tooltip="Further lines, written as they are: options in the template language, weights as 2::line.",
                ),
                io.String.Input(
                    "wildcard_name",
                    default="",
                    dynamic_prompts=False,
                    display_name="name",
                    tooltip="The wildcard's name, e.g. tree or plants/tree. Empty: the class word of the hyponyms.",
                ),
                io.Boolean.Input(
                    "overwrite", default=False, tooltip="Replace a file of that name; otherwise that is an error."
                ),
            ],
            outputs=[
                io.String.Output("wildcard", display_name="wildcard", tooltip="How a template names it: __name__."),
                io.String.Output("path", display_name="path", tooltip="The file that was written."),
            ],
        )

    @classmethod
    def execute(
        cls, words: str, wildcard_name: str, overwrite: bool, hyponyms: Hyponyms | None = None
    ) -> io.NodeOutput:
        saved = engine.save_wildcard(
            hyponyms,
            checks.text(words, "words"),
            checks.text(wildcard_name, "name", 200).strip(),
            checks.flag(overwrite, "overwrite"),
        )
        message = f"{saved.wildcard}: {saved.count} options in {saved.path}"
        return io.NodeOutput(saved.wildcard, str(saved.path), ui=ui.PreviewText(message))


class HypoNetLoadWildcard(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetLoadWildcard",
            display_name="Load Wildcard",
            category=CATEGORY,
            description="Reads a wildcard file or collection, to look at it or to use its lines as a class's hyponyms.",
            search_aliases=["read wildcard", "wildcard list"],
            inputs=[
                io.Combo.Input(
                    "wildcard_name",
                    options=engine.wildcard_names(),
                    display_name="name",
                    tooltip=(
                        "A wildcard of this pack, the user folder, a folder of extra_model_paths.yaml, Impact Pack or "
                        "Easy-Use. Press R to look again."
                    ),
                )
            ],
            outputs=[
                sockets.Hyponyms.Output(
                    "hyponyms", display_name="hyponyms", tooltip="The options as hyponyms, for Class or Save Wildcard."
                ),
                io.String.Output("lines", display_name="lines", tooltip="The options, one a line."),
                io.Int.Output("count", display_name="count", tooltip="How many options it has."),
                io.String.Output("wildcard", display_name="wildcard", tooltip="How a template names it: __name__."),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, wildcard_name: str | None = None) -> str:
        return engine.fingerprint([None if wildcard_name is None else f"__{wildcard_name}__"])

    @classmethod
    def execute(cls, wildcard_name: str) -> io.NodeOutput:
        hyponyms = engine.load_wildcard(checks.text(wildcard_name, "name", 200))
        return io.NodeOutput(hyponyms, "\n".join(hyponyms.words), len(hyponyms.words), f"__{wildcard_name}__")


class HypoNetDefineClass(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetDefineClass",
            display_name="Class",
            category=CATEGORY,
            description=(
                "One class of a data set: its name, its hyponyms, and what is different for it. Chain several by "
                "connecting the classes output to the next Class."
            ),
            search_aliases=["label", "category"],
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
                _template("template", "", "This class's own template. Empty: the plan's."),
                io.Boolean.Input(
                    "own_negative", default=False, tooltip="Use the negative below, also an empty one, for this class."
                ),
                _template("negative", "", "This class's own negative template."),
                io.String.Input(
                    "omit",
                    default="",
                    dynamic_prompts=False,
                    tooltip="Slots left out for this class, with commas between, e.g. color. The prompt is tidied.",
                ),
                io.Int.Input(
                    "images", default=0, min=0, max=10_000_000, tooltip="Images of this class; 0: as the plan."
                ),
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
        return engine.fingerprint([template, negative, None if hyponym_wildcard is None else f"__{hyponym_wildcard}__"])

    @classmethod
    def execute(
        cls,
        class_name: str,
        hyponym_wildcard: str,
        hypernym: str,
        template: str,
        own_negative: bool,
        negative: str,
        omit: str,
        images: int,
        previous: tuple[ClassSpec, ...] | None = None,
        hyponyms: Hyponyms | None = None,
    ) -> io.NodeOutput:
        own = checks.text(negative, "negative") if checks.flag(own_negative, "own_negative") else None
        found = engine.hyponyms_for_class(hyponyms, checks.text(hyponym_wildcard, "hyponym list", 200).strip())
        spec = make_class(
            checks.text(class_name, "name", 200).strip() or (found.word if found else ""),
            found.words if found else (),
            hypernym=checks.text(hypernym, "hypernym", 200).strip() or (found.hypernym if found else ""),
            synset=found.synset if found else "",
            template=checks.text(template, "template"),
            negative=own,
            omit=checks.text(omit, "omit", 10_000),
            count=checks.integer(images, 0, 10_000_000, "images") or None,
        )
        return io.NodeOutput(add_class(previous or (), spec))


class HypoNetClassesFromText(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetClassesFromText",
            display_name="Classes from Text",
            category=CATEGORY,
            description="Many classes at once, one a line: name: hyponyms; omit: color; images: 100.",
            search_aliases=["labels", "class list"],
            inputs=[
                sockets.Classes.Input("previous", optional=True, tooltip="The classes before these."),
                io.String.Input(
                    "text",
                    multiline=True,
                    default="cat: __cat__; omit: color\nship: __ship__",
                    dynamic_prompts=False,
                    tooltip=(
                        "One class a line. After the name and a colon its hyponyms, commas between, or a __wildcard__; "
                        "then, after semicolons, omit: slots, images: number, hypernym: word, synset: n02121808, "
                        "negative: text, template: text. # begins a comment line."
                    ),
                ),
            ],
            outputs=[_classes_output()],
        )

    @classmethod
    def fingerprint_inputs(cls, text: str | None = None, **_: object) -> str:
        return engine.fingerprint([text])

    @classmethod
    def execute(cls, text: str, previous: tuple[ClassSpec, ...] | None = None) -> io.NodeOutput:
        classes = classes_from_text(checks.text(text, "text"), engine.library())
        for spec in classes:
            previous = add_class(previous or (), spec)
        return io.NodeOutput(previous)


class HypoNetClassesFromPictures(io.ComfyNode):
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
                    tooltip="A folder below ComfyUI's input folder (or one listed as datasets) with the pictures.",
                ),
                io.Combo.Input(
                    "mode",
                    options=["exact", "thesis"],
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
                _seed("Chooses the hyponyms when there are too many."),
            ],
            outputs=[
                _classes_output(),
                io.String.Output("report", display_name="report", tooltip="Markdown: what was seen and what was kept."),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, folder: str | None = None, **_: object) -> str:
        return engine.fingerprint_pictures(folder)

    @classmethod
    def execute(
        cls,
        classifier: Classifier,
        folder: str,
        mode: str,
        climb_to_name: bool,
        at_least: int,
        depth: int,
        max_count: int,
        seed: int,
        previous: tuple[ClassSpec, ...] | None = None,
    ) -> io.NodeOutput:
        classes, report = engine.classes_from_pictures(
            classifier,
            checks.text(folder, "folder", 1000),
            mode=checks.choice(mode, ("exact", "thesis"), "mode"),
            climb_to_name=checks.flag(climb_to_name, "climb_to_name"),
            at_least=checks.integer(at_least, 1, 1000, "at_least"),
            depth=checks.integer(depth, 1, 20, "depth"),
            max_count=checks.integer(max_count, 0, 100_000, "max_count"),
            seed=checks.integer(seed, 0, SEED_LIMIT, "seed") % 2**32,
        )
        for spec in classes:
            previous = add_class(previous or (), spec)
        return io.NodeOutput(previous, report, ui=ui.PreviewText(report))


class HypoNetPlanDataset(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetPlanDataset",
            display_name="Dataset Plan",
            category=CATEGORY,
            description=(
                "Decides label, prompt, negative, picks and seed of every image of a data set before any is made. More "
                "images or classes later extend the same plan."
            ),
            search_aliases=["schedule", "prompts", "dataset"],
            inputs=[
                sockets.Classes.Input("classes", tooltip="From Class, Classes from Text or Classes from Pictures."),
                _template("template", TEMPLATE, "The template of every class that has none of its own."),
                _template("negative", NEGATIVE, "The negative template of every class that has none of its own."),
                io.Combo.Input("coverage", options=list(COVERAGE), default="balanced", tooltip=_DEALT),
                io.Int.Input(
                    "images_per_class", default=100, min=1, max=10_000_000, tooltip="Images of each class, all shards."
                ),
                io.Combo.Input(
                    "order",
                    options=list(ORDERS),
                    default="interleaved",
                    tooltip="interleaved: a run stopped anywhere has equally many of each class. by class: one by one.",
                ),
                io.Int.Input("shard_index", default=0, min=0, max=9999, tooltip="The part this machine makes, from 0."),
                io.Int.Input("shard_count", default=1, min=1, max=10_000, tooltip="Parts the plan is split into."),
                _seed("Chooses every prompt and every image's own seed."),
            ],
            outputs=[sockets.Plan.Output("plan", display_name="plan", tooltip="For Generate Dataset and Preview.")],
        )

    @classmethod
    def fingerprint_inputs(cls, template: str | None = None, negative: str | None = None, **_: object) -> str:
        return engine.fingerprint([template, negative])

    @classmethod
    def execute(
        cls,
        classes: tuple[ClassSpec, ...],
        template: str,
        negative: str,
        coverage: str,
        images_per_class: int,
        order: str,
        shard_index: int,
        shard_count: int,
        seed: int,
    ) -> io.NodeOutput:
        plan = Plan(
            classes,
            checks.text(template, "template"),
            engine.library(),
            negative=checks.text(negative, "negative"),
            seed=checks.integer(seed, 0, SEED_LIMIT, "seed"),
            coverage=checks.choice(coverage, COVERAGE, "coverage"),
            images_per_class=checks.integer(images_per_class, 1, 10_000_000, "images_per_class"),
            order=checks.choice(order, ORDERS, "order"),
            shard=(
                checks.integer(shard_index, 0, 9999, "shard_index"),
                checks.integer(shard_count, 1, 10_000, "shard_count"),
            ),
        )
        return io.NodeOutput(plan)


class HypoNetPreviewPlan(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetPreviewPlan",
            display_name="Plan Preview",
            category=CATEGORY,
            description=(
                "What a plan will give before any GPU time: combinations, how often each option comes, pair coverage, "
                "sample prompts, tokens, disk, and warnings."
            ),
            search_aliases=["check plan", "coverage", "warnings"],
            is_output_node=True,
            inputs=[
                sockets.Plan.Input("plan", tooltip="From Dataset Plan."),
                io.Int.Input("samples", default=3, min=0, max=100, tooltip="Sample prompts shown of each class."),
                io.Float.Input(
                    "cfg",
                    default=7.5,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    tooltip="The sampler's cfg, for the warnings.",
                ),
                io.Int.Input("width", default=512, min=16, max=16_384, tooltip="Image width, to estimate the disk."),
                io.Int.Input("height", default=512, min=16, max=16_384, tooltip="Image height, to estimate the disk."),
            ],
            outputs=[
                io.String.Output("report", display_name="report", tooltip="Markdown tables and warnings."),
                io.Image.Output("chart", display_name="chart", tooltip="How often each option of each slot comes."),
                io.Int.Output("warnings", display_name="warnings", tooltip="How many warnings the report has."),
            ],
        )

    @classmethod
    def execute(cls, plan: Plan, samples: int, cfg: float, width: int, height: int) -> io.NodeOutput:
        preview = engine.preview(
            plan,
            samples=checks.integer(samples, 0, 100, "samples"),
            cfg=checks.number(cfg, 0.0, 100.0, "cfg"),
            width=checks.integer(width, 16, 16_384, "width"),
            height=checks.integer(height, 16, 16_384, "height"),
        )
        return io.NodeOutput(preview.report, preview.chart, preview.warnings, ui=ui.PreviewText(preview.report))


_DEALT = (
    "balanced: every option equally often, pairs too. random: independent draws. combinatorial: every combination "
    "once, in order."
)


def _template(name: str, default: str, tooltip: str) -> io.Input:
    return io.String.Input(name, multiline=True, default=default, dynamic_prompts=False, tooltip=tooltip)


def _seed(tooltip: str) -> io.Input:
    return io.Int.Input("seed", default=0, min=0, max=SEED_LIMIT, control_after_generate=False, tooltip=tooltip)


def _classes_output() -> io.Output:
    return sockets.Classes.Output(
        "classes", display_name="classes", tooltip="All classes so far, for the next Class or Dataset Plan."
    )


NODES: list[type[io.ComfyNode]] = [
    HypoNetDynamicPrompt,
    HypoNetSaveWildcard,
    HypoNetLoadWildcard,
    HypoNetDefineClass,
    HypoNetClassesFromText,
    HypoNetClassesFromPictures,
    HypoNetPlanDataset,
    HypoNetPreviewPlan,
]
