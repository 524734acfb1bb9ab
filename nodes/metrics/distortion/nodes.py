"""The curve of Figure 5-3: a set's distorted copies against the set itself."""

from __future__ import annotations

from comfy_api.latest import io

from ....evaluation.metrics.conventions import Preparation
from ....evaluation.metrics.distortion import KINDS, distortion_curve
from ....evaluation.pictures.labelled_images import LabelledImages
from ....evaluation.pictures.tensors import to_image
from ....evaluation.plots import distortion_plot, to_pixels
from ... import paths, sockets
from ...checks import checked
from ...engine import answer_of, progress_bar
from ...widgets import schema, seed_input
from .. import engine, widgets


class HypoNetPlotDistortion(io.ComfyNode):
    """FID of ever more distorted copies of a set."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetPlotDistortion",
            display_name="Distortion Curve",
            category=widgets.CATEGORY,
            description=(
                "FID of ever more distorted copies of a set against the set itself (Figure 5-3): it has to "
                "rise. Each kind and strength is one pass over the set, so a few hundred pictures are plenty."
            ),
            search_aliases=["frechet inception distance", "blur", "noise", "jpeg", "Figure 5-3"],
            advanced=("filter", "crop"),
            inputs=[
                sockets.LabelledImages.Input("images", tooltip="The set to distort."),
                io.String.Input(
                    "kinds",
                    default=", ".join(KINDS),
                    tooltip="Which distortions, separated by commas: noise, blur, rectangles, swirl, jpeg.",
                ),
                io.String.Input(
                    "strengths", default="0.1, 0.25, 0.5, 1", tooltip="Strengths from 0 to 1, separated by commas."
                ),
                *widgets.preparation_inputs(),
                widgets.name_input(),
                seed_input("Of the noise and of where the rectangles lie."),
            ],
            outputs=[
                widgets.result_output("Every FID by kind and strength."),
                io.Image.Output("plot", display_name="plot", tooltip="One curve for each kind."),
            ],
            is_output_node=True,
        )

    @classmethod
    @checked
    def execute(
        cls,
        images: LabelledImages,
        kinds: str,
        strengths: str,
        network: str,
        convention: str,
        size: int,
        filter: str,
        crop: str,
        download: bool,
        batch_size: int,
        name: str,
        seed: int,
    ) -> io.NodeOutput:
        name = engine.checked_name(name)
        chosen = [kind.strip() for kind in kinds.split(",") if kind.strip()]
        levels = engine.parse_numbers(strengths, "strengths")
        images.hash_pictures(progress_bar(len(images)))
        curve = distortion_curve(
            images,
            engine.open_network(network, convention, download),
            Preparation(convention, size, filter, crop),
            kinds=chosen,
            strengths=levels,
            seed=seed,
            cache=paths.hyponet_dir() / "cache" / "features",
            batch=batch_size,
            progress=progress_bar((len(chosen) * len(levels) + 1) * len(images)),
        )
        result = engine.write_measurement(curve, name)
        figures = result.figures
        plot = distortion_plot(figures["strengths"], figures["fid"], f"FID under distortion: {curve.name}")
        picture = to_image(to_pixels(plot))
        return io.NodeOutput(result, picture, ui=answer_of(result, picture))


NODES: list[type[io.ComfyNode]] = [HypoNetPlotDistortion]
