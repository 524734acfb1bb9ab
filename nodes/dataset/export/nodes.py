"""The node that writes a set in the forms that other tools read."""

from __future__ import annotations

from comfy_api.latest import io

from ... import paths
from ...checks import checked
from ...engine import answer, progress_bar
from ...widgets import schema
from .. import widgets
from ..store.store import DatasetRef, DatasetStore
from .formats import EXPORTS, export


class HypoNetExportDataset(io.ComfyNode):
    """A set in a form that other tools read."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetExportDataset",
            display_name="Export Dataset (zip, Parquet, ImageFolder)",
            category=widgets.CATEGORY,
            description=(
                "Writes a set in a form that other tools read: ImageFolder zip, WebDataset, Parquet for Hugging Face, "
                "CSV, or captions beside the pictures for LoRA trainers."
            ),
            search_aliases=["zip", "webdataset", "parquet", "huggingface", "csv", "captions"],
            is_output_node=True,
            inputs=[
                widgets.dataset_input(tooltip="The set to export."),
                io.Combo.Input("export_format", options=list(EXPORTS), default=EXPORTS[0], tooltip="What is written."),
                io.Int.Input(
                    "shard_size", default=1000, min=1, max=1_000_000, tooltip="Pictures in one tar or Parquet file."
                ),
                widgets.include_marked_input(),
            ],
            outputs=[
                io.String.Output(
                    "folder", display_name="folder", tooltip="Where it lies: a new folder below output/hyponet/exports."
                )
            ],
        )

    @classmethod
    @checked
    def execute(cls, dataset: DatasetRef, export_format: str, shard_size: int, include_marked: bool) -> io.NodeOutput:
        store = DatasetStore.open(dataset.path)
        folder, said = export(
            store,
            paths.confine(paths.hyponet_dir(), f"exports/{store.name}", what="data set name"),
            store.name,
            export_format,
            shard_size=shard_size,
            include_fallbacks=include_marked,
            progress=progress_bar(len(store)),
        )
        count = len(store.keys(include_fallbacks=include_marked))
        text = " ".join(filter(None, [f"Exported {count:,} pictures to {folder}", said, store.left_out()]))
        return io.NodeOutput(str(folder), ui=answer(text, facts={"path": str(folder)}))


NODES: list[type[io.ComfyNode]] = [HypoNetExportDataset]
