"""The nodes that find near copies between two sets, and how alike the pictures of one prompt are."""

from __future__ import annotations

from comfy_api.latest import io

from ....evaluation.metrics.contamination import COSINES, find_copies
from ....evaluation.metrics.copies_result import copies_measurement, copies_table, pairs_sheet
from ....evaluation.metrics.features import ImageFeatures
from ....evaluation.metrics.sameness import measure_sameness
from ....evaluation.pictures.labelled_images import LabelledImages
from ....evaluation.pictures.samples import keep_samples
from ....evaluation.pictures.sources.ours import read_ours
from ....evaluation.pictures.tensors import to_image
from ... import paths, sockets
from ...checks import checked
from ...dataset.store.store import DatasetRef, DatasetStore
from ...engine import answer, answer_of, progress_bar
from ...sampling.advice import hardly_varies_by_seed
from ...widgets import name_input, schema
from .. import engine, widgets
from ..clip.prompts import prompts_of


class HypoNetFindCopies(io.ComfyNode):
    """Near copies of the pictures of one set in another."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetFindCopies",
            display_name="Find Copies (duplicate, leakage)",
            category=widgets.CATEGORY,
            description=(
                "How many pictures of a set another one has too: equal ones, near copies by picture hash (other size, "
                "compression, mirrored), and by features where both sets have them. For a made or a training set "
                "against the test set. Shows the nearest pairs."
            ),
            search_aliases=["contamination", "leakage", "memorisation", "near duplicates", "train test overlap"],
            is_output_node=True,
            inputs=[
                sockets.LabelledImages.Input("images", tooltip="The set that is looked through: made, or training."),
                sockets.LabelledImages.Input("reference", tooltip="The set whose pictures it should lack: the test."),
                sockets.Features.Input(
                    "features", optional=True, tooltip="Image Features of the first set; with them of the other too."
                ),
                sockets.Features.Input(
                    "reference_features", optional=True, tooltip="Image Features of the other set, set alike."
                ),
                io.Float.Input(
                    "cosine",
                    default=COSINES[1],
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip=(
                        "From which cosine of features on two pictures are near, if it is also above that of the other "
                        "set's pictures among themselves: what is usual depends on the network."
                    ),
                ),
                name_input(
                    "", "How the report names the search, output/hyponet/results/<name>; empty: the first set's."
                ),
            ],
            outputs=[
                sockets.Result.Output("result", display_name="result", tooltip="The counts, for the Report node."),
                io.String.Output("table", display_name="table", tooltip="Counts and nearest pairs as Markdown."),
                io.Image.Output(
                    "sheet",
                    display_name="sheet",
                    tooltip="The nearest pairs side by side; of none a note that says so.",
                ),
                io.Int.Output("near", display_name="near", tooltip="Pictures with a near copy, by hash or features."),
            ],
        )

    @classmethod
    @checked
    def execute(
        cls,
        images: LabelledImages,
        reference: LabelledImages,
        cosine: float,
        name: str,
        features: ImageFeatures | None = None,
        reference_features: ImageFeatures | None = None,
    ) -> io.NodeOutput:
        name = engine.checked_name(name)
        bar = progress_bar(len(images))
        copies = find_copies(images, reference, features, reference_features, cosine, bar)
        measurement = copies_measurement(images.name, copies, images, reference, features)
        result = engine.write_measurement(measurement, name)
        table = copies_table(copies, images, reference)
        pairs = result.figures["pairs"]
        drawn = to_image(pairs_sheet(pairs, images, reference))
        keep_samples(images, paths.samples_dir())
        text = "\n".join([table, *(f"warning: {warning}" for warning in result.warnings)])
        near = result.figures["near"]
        shown = [drawn] if pairs else []
        return io.NodeOutput(result, table, drawn, near, ui=answer(text, *shown, results=[result]))


class HypoNetMeasureSameness(io.ComfyNode):
    """How alike the pictures of one prompt are, beside those of one class."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetMeasureSameness",
            display_name="Sameness (mode collapse)",
            category=widgets.CATEGORY,
            description=(
                "Mean distance of features among pictures that share a prompt, among those that share a class, and "
                "their ratio: near 0 the model draws one picture a prompt whatever the seed, near 1 the seed varies "
                "as much as the prompts do. Says so where the set is by a model that hardly varies by seed."
            ),
            search_aliases=["mode collapse", "seed variety", "intra-prompt diversity"],
            is_output_node=True,
            inputs=[
                sockets.Dataset.Input("dataset", tooltip="The set, whose manifest has each picture's prompt."),
                sockets.Features.Input("features", tooltip="Image Features of the whole set, by any network."),
                widgets.name_input(),
            ],
            outputs=[
                widgets.result_output("Both distances, their ratio, and each class's."),
                io.Float.Output("ratio", display_name="ratio", tooltip="Within a prompt / within a class; -1: none."),
            ],
        )

    @classmethod
    @checked
    def execute(cls, dataset: DatasetRef, features: ImageFeatures, name: str) -> io.NodeOutput:
        name = engine.checked_name(name)
        images = read_ours(dataset.path, dataset.name, paths.hyponet_dir() / "cache")
        if images.content_key != features.content_key:
            raise ValueError(
                f"features are of {features.name}; expected those of all pictures of {dataset.name}; connect Load "
                "Labelled Images with this set, nothing left out, through Image Features"
            )
        files = (file.name for file in DatasetStore.open(dataset.path).description.provenance.models)
        prompts = prompts_of(dataset.path, images)
        bar = progress_bar(len(images))
        measurement = measure_sameness(features, prompts, hardly_varies_by_seed(files), bar)
        result = engine.write_measurement(measurement, name)
        ratio = result.figures["ratio"]
        return io.NodeOutput(result, -1.0 if ratio is None else ratio, ui=answer_of(result))


NODES: list[type[io.ComfyNode]] = [HypoNetFindCopies, HypoNetMeasureSameness]
