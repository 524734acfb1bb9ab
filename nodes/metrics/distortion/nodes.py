"""The curve of Figure 5-3: a set's distorted copies against the set itself."""

from __future__ import annotations

from comfy_api.latest import io

from ....evaluation.metrics.distortion import KINDS, distortion_curve
from ....evaluation.pictures.labelled_images import LabelledImages
from ....evaluation.plots import distortion_plot, to_image
from ... import checks, paths, sockets
from ...engine import progress_bar, schema
from ..engine import (
    CATEGORY,
    SEED,
    checked_name,
    keep,
    name_input,
    numbers,
    open_network,
    preparation,
    preparation_inputs,
    result_output,
)


class PlotDistortion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetPlotDistortion",
            display_name="Distortion Curve",
            category=CATEGORY,
            description="FID of ever more distorted copies of a set against the set itself (Figure 5-3): it has to "
            "rise. Each kind and strength is one pass over the set, so a few hundred pictures are plenty.",
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
                *preparation_inputs(),
                name_input(),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=SEED,
                    control_after_generate=False,
                    tooltip="Of the noise and the rectangles' places.",
                ),
            ],
            outputs=[
                result_output("Every FID by kind and strength."),
                io.Image.Output("plot", display_name="plot", tooltip="One curve for each kind."),
            ],
            is_output_node=True,
        )

    @classmethod
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
        weights: str,
        batch: int,
        name: str,
        seed: int,
    ) -> io.NodeOutput:
        name = checked_name(name)
        chosen = [kind.strip() for kind in checks.text(kinds, "kinds", 200).split(",") if kind.strip()]
        levels = numbers(strengths, "strengths")
        images.hash_pictures(progress_bar(len(images)))
        finding = distortion_curve(
            images,
            open_network(network, weights),
            preparation(convention, size, filter, crop),
            kinds=chosen,
            strengths=levels,
            seed=checks.integer(seed, 0, SEED, "seed"),
            cache=paths.hyponet_dir() / "cache" / "features",
            batch=checks.integer(batch, 0, 1024, "batch"),
            progress=progress_bar((len(chosen) * len(levels) + 1) * len(images)),
        )
        result = keep(finding, name)
        plot = to_image(distortion_plot(result.figures, f"FID under distortion: {finding.name}"))
        return io.NodeOutput(result, plot, ui=result.as_ui())


NODES: list[type[io.ComfyNode]] = [PlotDistortion]
