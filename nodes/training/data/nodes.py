"""The nodes that bring labelled pictures together."""

from __future__ import annotations

from comfy_api.latest import io

from ....evaluation.pictures.labelled_images import LabelledImages, merged, take
from ....evaluation.pictures.mapping import ClassMapping, shipped_mappings
from ....evaluation.pictures.pixels import count_shared
from ....evaluation.pictures.sources import SOURCES, SPLITS
from ....evaluation.pictures.split import split
from ... import sockets
from ...checks import checked
from ...dataset.store.store import DatasetRef
from ...engine import answer, nothing_chosen, progress_bar
from ...widgets import name_input, schema, seed_input
from . import engine

CATEGORY = "HypoNet/Training"
CORRUPT = ("stop", "skip and count")
OWN_TEXT, OWN_FILE = "the text below", "a file in input"
DRAWS = ("first (thesis)", "random")
_COUNTS = "One line a class: how many pictures it has."


class HypoNetLoadLabelledImages(io.ComfyNode):
    """Labelled pictures out of a set, a folder or an archive."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetLoadLabelledImages",
            display_name="Load Labelled Images",
            category=CATEGORY,
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
                _images("The labelled pictures."),
                io.String.Output("counts", display_name="counts", tooltip=_COUNTS),
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
        return _loaded(data, engine.samples_sheet(data), said=engine.beyond_plan_of(source, path, dataset))


class HypoNetMapClasses(io.ComfyNode):
    """The same pictures under other class names."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetMapClasses",
            display_name="Map Classes",
            category=CATEGORY,
            description=(
                "Renames, joins and drops classes by a mapping, so that sets with other class names can be compared: "
                "the thesis's five classes in CIFAR-10, STL-10 and ImageNet, or any other."
            ),
            search_aliases=["rename classes", "class filter", "label mapping"],
            inputs=[
                _images_input("images", "The pictures whose classes are mapped."),
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
                _images("The pictures of the mapped classes; all others are left out."),
                io.String.Output("counts", display_name="counts", tooltip=_COUNTS),
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
        return _loaded(mapped, said=engine.left_out_text(classes.left_out(images)))


class HypoNetMergeImages(io.ComfyNode):
    """Two labelled sets as one."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetMergeImages",
            display_name="Merge Labelled Images",
            category=CATEGORY,
            description=(
                "Adds N synthetic pictures a class to a real set (thesis: Table 5-10), or joins two sets. Says how "
                "many of the added pictures the first set has already."
            ),
            search_aliases=["augment dataset", "concat datasets", "real plus synthetic"],
            inputs=[
                _images_input("images", "The first set, e.g. CIFAR-10 train. Its class order is kept."),
                _images_input("added", "The second set, with the same classes."),
                io.Int.Input(
                    "per_class",
                    default=-1,
                    min=-1,
                    max=10_000_000,
                    tooltip="Pictures of each class taken from the second set; -1 takes all, 0 none.",
                ),
                io.Combo.Input(
                    "draw",
                    options=list(DRAWS),
                    default=DRAWS[0],
                    tooltip="The first N of each class, as the thesis did, or N drawn by the seed.",
                ),
                name_input("", "How tables name it; empty: the first's name + N, as Table 5-10 has it."),
                seed_input("Draws the pictures when the draw is random."),
            ],
            outputs=[
                _images("Both sets as one."),
                io.String.Output("counts", display_name="counts", tooltip=_COUNTS),
            ],
            is_output_node=True,
        )

    @classmethod
    @checked
    def execute(
        cls, images: LabelledImages, added: LabelledImages, per_class: int, draw: str, name: str, seed: int
    ) -> io.NodeOutput:
        title = name.strip()
        chosen = take(added, per_class, seed if draw == DRAWS[1] else None)
        if chosen is None:
            return _loaded(images.named(title or images.name))
        plus = f"{images.name} + {per_class if per_class > 0 else added.name}"
        shared = count_shared(
            chosen.pixel_digests(progress_bar(len(chosen))), images.pixel_digests(progress_bar(len(images)))
        )
        said = f"in {images.name} already, pixel by pixel: {shared:,} of the {len(chosen):,} added"
        return _loaded(merged([images, chosen], title or plus), said=said)


class HypoNetSplitImages(io.ComfyNode):
    """A labelled set in two parts."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetSplitImages",
            display_name="Split Labelled Images",
            category=CATEGORY,
            description=(
                "Divides a set in two, class by class, e.g. into a part to train on and a part to test on. Equal "
                "pictures stay in one part."
            ),
            search_aliases=["train test split", "validation split"],
            inputs=[
                _images_input("images", "The set to divide."),
                io.Float.Input(
                    "share", default=0.8, min=0.0, max=1.0, step=0.01, tooltip="Share of each class in the first part."
                ),
                seed_input("Draws which pictures go where."),
            ],
            outputs=[
                sockets.LabelledImages.Output("first", display_name="first", tooltip="The share."),
                sockets.LabelledImages.Output("rest", display_name="rest", tooltip="Everything else."),
                io.String.Output("counts", display_name="counts", tooltip="The counts of both parts."),
            ],
            is_output_node=True,
        )

    @classmethod
    @checked
    def execute(cls, images: LabelledImages, share: float, seed: int) -> io.NodeOutput:
        first, second = split(images, share, seed, progress_bar(len(images)))
        first, second = first.named(f"{images.name}, {share:g} of it"), second.named(f"{images.name}, the rest")
        shared = count_shared(first.pixel_digests(), second.pixel_digests())
        text = (
            f"{engine.counts_text(first)}\n\n{engine.counts_text(second)}\n\nin both parts, pixel by pixel: {shared:,}"
        )
        return io.NodeOutput(first, second, text, ui=answer(text))


def _loaded(data: LabelledImages, *further: object, said: str = "") -> io.NodeOutput:
    """The set, its counts with what is `said` of them below, and further outputs."""
    text = "\n".join(filter(None, [engine.counts_text(data), said]))
    return io.NodeOutput(data, text, *further, ui=answer(text))


def _images_input(name: str, tooltip: str) -> io.Input:
    return sockets.LabelledImages.Input(name, tooltip=tooltip)


def _images(tooltip: str) -> io.Output:
    return sockets.LabelledImages.Output("labelled", display_name="images", tooltip=tooltip)


NODES: list[type[io.ComfyNode]] = [
    HypoNetLoadLabelledImages,
    HypoNetMapClasses,
    HypoNetMergeImages,
    HypoNetSplitImages,
]
