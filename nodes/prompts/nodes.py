"""The nodes of the prompts room: single prompts, wildcards and plans; those of classes stand in classes/nodes.py."""

from __future__ import annotations

from comfy_api.latest import io

from .. import sockets
from ..checks import checked
from ..engine import answer
from ..hyponyms.hyponyms import Hyponyms
from ..widgets import TemplateInput, names_found_when_opened, schema, seed_input
from . import engine
from .classes.nodes import NODES as CLASSES
from .item import ClassSpec
from .language.names import mention
from .plan import COVERAGES, ORDERS, Plan, ranks_of_batch, single_plan
from .preview.engine import preview as preview_plan

CATEGORY = "HypoNet/Prompts"
TEMPLATE = (
    "__view__ of a __color__ (__hyponym__:1.4) in __location__, best quality, 8k, realistic, (photo-realistic:1.4)"
)
NEGATIVE = "worst quality, low quality, watermark, drawings, cartoons, graphics, bad proportions"


class HypoNetDynamicPrompt(io.ComfyNode):
    """Prompts out of one template, by seed and number."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetDynamicPrompt",
            display_name="Dynamic Prompt (random, list, wildcards)",
            category=CATEGORY,
            description=(
                "Turns one template into one prompt, or into a list of prompts, of a fixed seed: {a|b}, {2$$a|b|c}, "
                "__wildcard__, ${name=...}. The same seed and number give the same prompt on every machine."
            ),
            search_aliases=["wildcard", "dynamicprompts", "random prompt", "wildcard processor"],
            inputs=[
                engine.template_input("template", "", "The template; what stands in no braces is kept as it is."),
                io.Combo.Input(
                    "coverage", options=list(COVERAGES), default="random", tooltip="How options are dealt: " + _DEALT
                ),
                io.Int.Input("count", default=1, min=1, max=10_000, tooltip="Prompts in the list; 1 gives one prompt."),
                io.Int.Input(
                    "batch_number",
                    default=0,
                    min=0,
                    max=2**31,
                    tooltip="Which list of that many prompts: 0 the first, 1 the next. Let it increment to continue.",
                ),
                seed_input("Chooses the prompts, and the seed of each.", changes=True),
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
        return engine.fingerprint([template], reserved=False)

    @classmethod
    @checked
    def execute(cls, template: str, coverage: str, count: int, batch_number: int, seed: int) -> io.NodeOutput:
        plan = single_plan(template, engine.library(), coverage=coverage, seed=seed)
        items = [plan.item(plan.labels[0], rank) for rank in ranks_of_batch(plan, count, batch_number)]
        return io.NodeOutput(
            [item.prompt for item in items],
            [item.picks_json() for item in items],
            [item.seed for item in items],
            **engine.told_of(plan.library),
        )


class HypoNetSaveWildcard(io.ComfyNode):
    """A wildcard file in the user's folder."""

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
                TemplateInput(
                    "words",
                    default="",
                    tooltip="Further lines, written as they are: options in the template language, weights as 2::line.",
                    is_whole=False,
                ),
                io.String.Input(
                    "name",
                    default="",
                    dynamic_prompts=False,
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
    @checked
    def execute(cls, words: str, name: str, overwrite: bool, hyponyms: Hyponyms | None = None) -> io.NodeOutput:
        saved = engine.save_wildcard(hyponyms, words, name, overwrite)
        message = f"{saved.wildcard}: {saved.count} options in {saved.path}"
        return io.NodeOutput(saved.wildcard, str(saved.path), ui=answer(message))


class HypoNetLoadWildcard(io.ComfyNode):
    """The options of a wildcard, as hyponyms."""

    validate_inputs = names_found_when_opened("name")

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetLoadWildcard",
            display_name="Load Wildcard",
            category=CATEGORY,
            description=(
                "Reads a wildcard file or collection (.txt, .yaml, .json), to look at it or to use its lines as a "
                "class's hyponyms. Says which lines cannot be used, and why."
            ),
            search_aliases=["read wildcard", "wildcard list"],
            inputs=[
                engine.wildcard_input(
                    "A wildcard of this pack, the user folder, a folder of extra_model_paths.yaml, Impact Pack or "
                    "Easy-Use. Press R to look again."
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
    def fingerprint_inputs(cls, name: str | None = None) -> str:
        return engine.fingerprint([mention(name)], reserved=False)

    @classmethod
    @checked
    def execute(cls, name: str) -> io.NodeOutput:
        loaded = engine.load_wildcard(name)
        words = loaded.hyponyms.words
        extras = {"ui": answer(loaded.left_out)} if loaded.left_out else {}
        return io.NodeOutput(loaded.hyponyms, "\n".join(words), len(words), loaded.wildcard, **extras)


class HypoNetPlanDataset(io.ComfyNode):
    """A PLAN: every image of a set, decided before any is made."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetPlanDataset",
            display_name="Dataset Plan (combinatorial)",
            category=CATEGORY,
            description=(
                "Decides label, prompt, negative, picks and seed of every image of a data set before any is made. More "
                "images or classes later extend the same plan."
            ),
            essentials_category="HypoNet",
            search_aliases=["schedule", "prompts", "dataset"],
            advanced=("shard_index", "shard_count", "rules"),
            inputs=[
                sockets.Classes.Input(
                    "classes", tooltip="From Class, Classes from Text, Classes from Pictures or Classes from Captions."
                ),
                engine.template_input("template", TEMPLATE, "The template of every class that has none of its own."),
                engine.template_input("negative", NEGATIVE, "The negative template of every class without its own."),
                io.Combo.Input("coverage", options=list(COVERAGES), default="balanced", tooltip=_DEALT),
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
                engine.rules_input(
                    "What may not stand together, a rule a line: truck: not Ocean, Reef, or view=Underwater View: only "
                    "location=Reef; for a class or an option. Lists in step: maker with model."
                ),
                seed_input("Chooses every prompt and every image's own seed.", optional=True),
            ],
            outputs=[
                sockets.Plan.Output("plan", display_name="plan", tooltip="For Generate Dataset and Plan Preview.")
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, template: str | None = None, negative: str | None = None, **_: object) -> str:
        return engine.fingerprint([template, negative])

    @classmethod
    @checked
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
        rules: str = "",
        seed: int = 0,
    ) -> io.NodeOutput:
        plan = Plan(
            classes,
            template,
            engine.library(),
            negative=negative,
            seed=seed,
            coverage=coverage,
            images_per_class=images_per_class,
            order=order,
            shard=(shard_index, shard_count),
            rules=rules,
        )
        return io.NodeOutput(plan, **engine.told_of(plan.library))


class HypoNetPreviewPlan(io.ComfyNode):
    """What a plan will give, before any GPU time."""

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
                io.Image.Output(
                    "chart",
                    display_name="chart",
                    tooltip="How often each option of each slot comes; without a slot a note that says so.",
                ),
                io.Int.Output("warnings", display_name="warnings", tooltip="How many warnings the report has."),
            ],
        )

    @classmethod
    @checked
    def execute(cls, plan: Plan, samples: int, cfg: float, width: int, height: int) -> io.NodeOutput:
        preview = preview_plan(plan, samples, cfg, (width, height))
        output = answer(preview.report, *([preview.chart] if preview.has_chart else []))
        return io.NodeOutput(preview.report, preview.chart, preview.warnings, ui=output)


_DEALT = (
    "balanced: every option equally often, pairs too (of lists of thousands as many as can be). random: independent "
    "draws. combinatorial: every combination once, in order, and no more."
)


NODES: list[type[io.ComfyNode]] = [
    HypoNetDynamicPrompt,
    HypoNetSaveWildcard,
    HypoNetLoadWildcard,
    *CLASSES,
    HypoNetPlanDataset,
    HypoNetPreviewPlan,
]
