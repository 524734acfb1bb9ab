"""Reference statistics as files: what FID needs of a set, without its pictures."""

from __future__ import annotations

from pathlib import Path

from comfy_api.latest import io

from ....evaluation.metrics.conventions import Preparation
from ....evaluation.metrics.feature_statistics import statistics_of
from ....evaluation.metrics.features import ImageFeatures
from ....evaluation.metrics.statistics_files import load_statistics, save_statistics
from ... import paths, sockets
from ...checks import checked
from ...engine import answer
from ...missing_names import naming_what_exists
from ...widgets import FileCombo, names_found_when_opened, schema
from .. import engine, widgets


def statistics_bases() -> list[Path]:
    """Folders in which Load Statistics looks."""
    return [paths.hyponet_dir() / "statistics", *paths.model_folders("inception"), *paths.read_bases()[:1]]


def statistics_files() -> list[str]:
    """Every .npz in those folders."""
    names: list[str] = []
    for base in statistics_bases():
        if base.is_dir():
            names += sorted(path.relative_to(base).as_posix() for path in base.rglob("*.npz"))
    return list(dict.fromkeys(names))


class HypoNetSaveStatistics(io.ComfyNode):
    """Mean and covariance of a set's features, as a file."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetSaveStatistics",
            display_name="Save Statistics",
            category=widgets.CATEGORY,
            description=(
                "Writes mean and covariance of a set's features to output/hyponet/statistics, for FID without "
                "the pictures. pytorch-fid and clean-fid read the file."
            ),
            search_aliases=["fid reference", "npz", "mean and covariance"],
            inputs=[
                sockets.Features.Input("features", tooltip="Features of the reference set."),
                io.String.Input("name", default="reference", tooltip="Name of the file, without .npz."),
            ],
            outputs=[io.String.Output("file", display_name="file", tooltip="Its path below output/hyponet.")],
            is_output_node=True,
        )

    @classmethod
    @checked
    def execute(cls, features: ImageFeatures, name: str) -> io.NodeOutput:
        folder = paths.hyponet_dir() / "statistics"
        paths.confine(folder, name, what="name")  # an empty one too
        path = paths.confine(folder, f"{name}.npz", what="name")
        save_statistics(path, statistics_of(features))
        file = path.relative_to(paths.hyponet_dir().resolve()).as_posix()
        return io.NodeOutput(file, ui=answer(f"{file}: {len(features)} pictures"))


class HypoNetLoadStatistics(io.ComfyNode):
    """Statistics of a reference set out of a file."""

    validate_inputs = names_found_when_opened("file")

    @classmethod
    def define_schema(cls) -> io.Schema:
        size, convention = (widgets.preparation_inputs()[i] for i in (2, 1))
        size.tooltip = "To which size the pictures were first reduced, where the file does not say; 0: not at all."
        convention.tooltip = "How the pictures were prepared, where the file does not say."
        return schema(
            node_id="HypoNetLoadStatistics",
            display_name="Load Statistics",
            category=widgets.CATEGORY,
            description=(
                "Reads reference statistics (.npz) of pytorch-fid, clean-fid or Save Statistics. Ours say "
                "where they came from; of the others you have to."
            ),
            search_aliases=["fid reference", "npz", "pytorch-fid", "clean-fid"],
            inputs=[
                FileCombo(
                    "file",
                    options=statistics_files() or ["none found"],
                    tooltip="A file in output/hyponet/statistics, models/inception or input.",
                ),
                io.Combo.Input(
                    "network",
                    options=widgets.NETWORK_NAMES,
                    default=widgets.NETWORK_NAMES[0],
                    tooltip="Which network the features came from, where the file does not say.",
                ),
                convention,
                size,
                io.Int.Input(
                    "image_count",
                    default=0,
                    min=0,
                    max=10_000_000,
                    tooltip="How many pictures the statistics came from, where the file does not say; 0: unknown.",
                ),
            ],
            outputs=[
                sockets.Statistics.Output("statistics", display_name="statistics", tooltip="A reference for FID.")
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, file: str | None = None, **_: object) -> str | float:
        if not isinstance(file, str):  # it comes through a link
            return float("nan")
        try:
            state = paths.confine_any(statistics_bases(), file, what="file").stat()
        except (ValueError, OSError) as error:
            return str(error)
        return f"{state.st_mtime_ns} {state.st_size}"

    @classmethod
    @checked
    def execute(cls, file: str, network: str, convention: str, size: int, image_count: int) -> io.NodeOutput:
        with naming_what_exists(file, statistics_files):
            path = paths.confine_any(statistics_bases(), file, what="file")
        key, width = engine.statistics_network(network)
        statistics = load_statistics(
            path,
            network=key,
            width=width,
            preparation=Preparation(convention, size),
            count=image_count,
        )
        return io.NodeOutput(statistics)


NODES: list[type[io.ComfyNode]] = [HypoNetLoadStatistics, HypoNetSaveStatistics]
