"""The nodes that read labelled pictures, and name their classes."""

from __future__ import annotations

from comfy_api.latest import io

from ....evaluation.pictures.labelled_images import LabelledImages
from ....evaluation.pictures.mapping import ClassMapping, shipped_mappings
from ....evaluation.pictures.sources import SOURCES, SPLITS
from ... import sockets
from ...checks import checked
from ...dataset.store.store import DatasetRef
from ...engine import answer, nothing_chosen
from ...widgets import schema, seed_input
from .. import widgets
from . import engine

CORRUPT = ("stop", "skip and count")
OWN_TEXT, OWN_FILE = "the text below", "a file in input"


class HypoNetLoadLabelledImages(io.ComfyNode):
    """Labelled pictures out of a set, a folder or an archive."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetLoadLabelledImages",
            display_name="Load Labelled Images (CIFAR, ImageNet)",
            category=widgets.CATEGORY,
            description=(
                "Reads labelled pictures for training, testing and metrics: our own sets, image folders or zips, "
                "CIFAR-10, STL-10, ImageNet validation, Parquet and WebDataset. Pictures are decoded only when needed; "
                "as in torchvision's ImageFolder, an EXIF orientation is ignored and transparency dropped."
            ),
            search_aliases=[
                "dataset loader",
                "CIFAR-10",
                "STL-10",
                "ImageNet",
                "image folder",
                "parquet",
                "webdataset",
            ],
            advanced=("corrupt",),
            inputs=[
                sockets.Dataset.Input(
                    "dataset",
                    optional=True,
                    tooltip="A set of Generate Dataset or Load Dataset; then no path is needed.",
                ),
                io.Combo.Input("source", options=list(SOURCES), default=SOURCES[0], tooltip="What lies at the path."),
                io.String.Input(
                    "path",
                    default="",
                    dynamic_prompts=False,
                    tooltip=(
                        "Folder or file below input/, output/datasets or a folder listed under `hyponet_datasets:` "
                        "in extra_model_paths.yaml, with forward slashes, e.g. cifar-10-batches-bin."
                    ),
                ),
                io.Combo.Input(
                    "split",
                    options=list(SPLITS),
                    default=SPLITS[0],
                    tooltip=(
                        "Which part. In an image folder, `all` takes the class folders at the path, the others the "
                        "class folders inside the sub-folder of that name."
                    ),
                ),
                io.Int.Input(
                    "per_class",
                    default=0,
                    min=0,
                    max=10_000_000,
                    tooltip=(
                        "At most this many pictures of each class, drawn by the seed; 0 takes all. Where corrupt ones "
                        "are skipped, the next of the draw take their place."
                    ),
                ),
                io.Combo.Input(
                    "corrupt",
                    options=list(CORRUPT),
                    default=CORRUPT[0],
                    tooltip="A picture that cannot be decoded stops the run and is named, or is left out and counted.",
                ),
                io.Boolean.Input(
                    "download",
                    default=False,
                    tooltip="Fetch CIFAR-10 (170 MB) or STL-10 (2.6 GB) into input/<path> if it is not there.",
                ),
                seed_input("Draws the pictures of a limit."),
            ],
            outputs=[
                widgets.images_output("The labelled pictures."),
                io.String.Output("counts", display_name="counts", tooltip=widgets.COUNTS),
                io.Image.Output("sheet", display_name="sheet", tooltip="Up to 64 pictures of the set, class by class."),
            ],
            is_output_node=True,
        )

    @classmethod
    def fingerprint_inputs(
        cls, source: str | None = None, path: str | None = None, download: bool | None = False, **others: object
    ) -> str | float:
        if "dataset" in others:
            return ""  # a connected set brings its own
        if source is None or download is None:  # they come through links
            return float("nan")
        return engine.path_fingerprint(source.lower() if path == "" and download and source else path)

    @classmethod
    @checked
    def execute(
        cls,
        source: str,
        path: str,
        split: str,
        per_class: int,
        corrupt: str,
        download: bool,
        seed: int,
        dataset: DatasetRef | None = None,
    ) -> io.NodeOutput:
        if dataset is None and not path.strip() and not download:
            return nothing_chosen(engine.NOTHING_GIVEN)
        data = engine.load(
            source=source,
            path=path,
            split=split,
            per_class=per_class,
            skip_corrupt=corrupt == CORRUPT[1],
            download_missing=download,
            seed=seed,
            dataset=dataset,
        )
        text = engine.counts_text(data, engine.beyond_plan_of(source, path, dataset))
        return io.NodeOutput(data, text, engine.samples_sheet(data), ui=answer(text))


class HypoNetMapClasses(io.ComfyNode):
    """The same pictures under other class names."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetMapClasses",
            display_name="Map Classes",
            category=widgets.CATEGORY,
            description=(
                "Renames, joins and drops classes by a mapping, so that sets with other class names can be compared: "
                "the thesis's five classes in CIFAR-10, STL-10 and ImageNet, or any other."
            ),
            search_aliases=["rename classes", "class filter", "label mapping"],
            inputs=[
                widgets.images_input("images", "The pictures whose classes are mapped."),
                io.Combo.Input(
                    "mapping",
                    options=[*shipped_mappings(), OWN_TEXT, OWN_FILE],
                    default=shipped_mappings()[0],
                    tooltip="A mapping that ships with the pack, the text below, or a file.",
                ),
                io.String.Input(
                    "text",
                    multiline=True,
                    default="",
                    dynamic_prompts=False,
                    tooltip=(
                        "Own text: a line `class = source, source` for each class; `a|b` are names of one source, and "
                        "all of them that the set has are joined, whatever their case; # starts a comment. Own file: "
                        "its path below input/."
                    ),
                ),
            ],
            outputs=[
                widgets.images_output("The pictures of the mapped classes; all others are left out."),
                io.String.Output("counts", display_name="counts", tooltip=widgets.COUNTS),
            ],
            is_output_node=True,
        )

    @classmethod
    def fingerprint_inputs(cls, mapping: str | None = None, text: str | None = None, **_: object) -> str | float:
        if mapping in (OWN_FILE, None):
            return engine.path_fingerprint(text if mapping else None)
        return ""

    @classmethod
    @checked
    def execute(cls, images: LabelledImages, mapping: str, text: str) -> io.NodeOutput:
        if mapping == OWN_FILE:
            classes = ClassMapping.read(engine.input_file(text.strip()))
        elif mapping == OWN_TEXT:
            classes = ClassMapping.parse(text, "the text of Map Classes")
        else:
            classes = ClassMapping.shipped(mapping)
        mapped = classes.apply(images)
        text = engine.counts_text(mapped, engine.left_out_text(classes.left_out(images)))
        return io.NodeOutput(mapped, text, ui=answer(text))


NODES: list[type[io.ComfyNode]] = [
    HypoNetLoadLabelledImages,
    HypoNetMapClasses,
]
