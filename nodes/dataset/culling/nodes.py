"""The nodes that look at a set and mark what is to be made again."""

from __future__ import annotations

from contextlib import nullcontext

from comfy_api.latest import io

from ... import sockets
from ...checks import checked
from ...engine import answer, progress_bar
from ...hyponyms.classifier import Classifier
from ...widgets import FileCombo, names_found_when_opened, schema
from .. import engine, widgets
from ..open import open_for_writing
from ..store.store import DatasetRef, DatasetStore
from .engine import clip_folders, judge, write_listing
from .items import reject_by_hand
from .labels import mark_labels, report
from .marks import DEFAULT_ATTEMPTS, count_missing
from .verify import mark_findings, verify


class HypoNetRejectItems(io.ComfyNode):
    """Pictures taken out of a set by hand."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetRejectItems",
            display_name="Reject Items (cull, delete, remove)",
            category=widgets.CATEGORY,
            description=(
                "Takes pictures out of a set by number, range or class. Once it has run, a click on a picture marks it "
                "and a double click shows it large. What is rejected counts as missing: queue Generate Dataset again "
                "and exactly that is made anew, with another seed."
            ),
            search_aliases=["cull", "delete images", "remove pictures"],
            is_output_node=True,
            inputs=[
                widgets.dataset_input(tooltip="The set to take pictures out of."),
                io.String.Input(
                    "selection",
                    default="",
                    multiline=True,
                    dynamic_prompts=False,
                    tooltip=(
                        "Numbers as the contact sheet shows them (3, 12-20), ranks of a class (cat: 5, cat: 7-9) or a "
                        "whole class (cat: *), divided by commas or lines. Empty rejects nothing."
                    ),
                ),
                io.Int.Input(
                    "round",
                    default=1,
                    min=1,
                    max=1_000_000,
                    tooltip=(
                        "An item is rejected once a round, however often the graph is queued. Raise it to reject the "
                        "same numbers again when their new pictures are no better."
                    ),
                ),
                _attempts_input(),
            ],
            outputs=[widgets.dataset_output(), _report_output()],
        )

    @classmethod
    @checked
    def execute(cls, dataset: DatasetRef, selection: str, round: int, attempts: int) -> io.NodeOutput:
        with open_for_writing(engine.own_ref(dataset).path) as store:
            output = _marked(store, reject_by_hand(store, selection, round, attempts))
            output.ui["hyponet_pictures"] = [write_listing(store)]
            return output


class HypoNetCheckLabels(io.ComfyNode):
    """Whether each picture shows its label."""

    validate_inputs = names_found_when_opened("clip_name")

    @classmethod
    def define_schema(cls) -> io.Schema:
        folders = clip_folders()
        return schema(
            node_id="HypoNetCheckLabels",
            display_name="Check Labels (CLIP filter)",
            category=widgets.CATEGORY,
            description=(
                "Asks a classifier or CLIP whether each picture shows its label and records probability and verdict. "
                "Pictures that fail can be rejected, so that Generate Dataset makes them anew."
            ),
            search_aliases=["filter", "clip score", "verify labels", "quality"],
            is_output_node=True,
            inputs=[
                widgets.dataset_input(tooltip="The finished set to check."),
                sockets.Classifier.Input(
                    "classifier",
                    optional=True,
                    tooltip="Its class must lie under the set's class in WordNet, or have the same name.",
                ),
                FileCombo(
                    "clip_name",
                    options=folders,
                    default=folders[0],
                    tooltip="Instead of a classifier: a CLIP folder of transformers in models/classifiers.",
                ),
                io.String.Input(
                    "clip_caption", default="a photo of a {}", tooltip="What CLIP compares; {} is the class name."
                ),
                io.Float.Input(
                    "threshold",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip=(
                        "Least probability of the label among the set's own classes. 0 takes 1 / number of classes; "
                        "stricter filters cost variety and tend to hurt training."
                    ),
                ),
                io.Boolean.Input(
                    "reject",
                    default=True,
                    tooltip="Take pictures that fail out of the set; off only records the verdicts.",
                ),
                _attempts_input(),
                io.Float.Input(
                    "best_share",
                    default=1.0,
                    min=0.01,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip=(
                        "With reject, of each class only this share stays, the most probable: 0.3 is the top 30 %. 1: "
                        "all that reach the threshold. What is made anew is compared with what was kept."
                    ),
                ),
            ],
            outputs=[widgets.dataset_output(), _report_output()],
        )

    @classmethod
    @checked
    def execute(
        cls,
        dataset: DatasetRef,
        clip_name: str,
        clip_caption: str,
        threshold: float,
        reject: bool,
        attempts: int,
        best_share: float = 1.0,
        classifier: Classifier | None = None,
    ) -> io.NodeOutput:
        with open_for_writing(engine.own_ref(dataset).path) as store:
            clip_or_classifier = judge(store, classifier, clip_name, clip_caption)
            bar = progress_bar(len(store))
            verdicts, marked = mark_labels(
                store, clip_or_classifier, threshold, attempts, reject=reject, best_share=best_share, progress=bar
            )
            return _marked(store, f"{report(verdicts, store.labels)}\n\n{marked.report()}")


class HypoNetVerifyDataset(io.ComfyNode):
    """Whether every file of a set is there and whole."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetVerifyDataset",
            display_name="Verify Dataset",
            category=widgets.CATEGORY,
            description=(
                "Reads every file of a set: missing, corrupt, changed and unlisted pictures, near-duplicates. What it "
                "rejects is made anew by Generate Dataset; nothing is deleted, only moved beside the set. Counts "
                "pictures without the mark of generated ones."
            ),
            search_aliases=["integrity", "checksum", "near duplicates", "repair"],
            is_output_node=True,
            advanced=("mend_lines",),
            inputs=[
                widgets.dataset_input(tooltip="The set to verify."),
                io.Boolean.Input(
                    "reject",
                    default=True,
                    tooltip="Take what is damaged out of the set, so that it is made anew; off only reports.",
                ),
                io.Boolean.Input(
                    "near_duplicates",
                    default=True,
                    tooltip="Also look for pictures that look the same; the first of them stays.",
                ),
                _attempts_input(),
                io.Boolean.Input(
                    "mend_lines",
                    default=False,
                    optional=True,
                    tooltip=(
                        "Take lines that cannot be used out of metadata.jsonl and rejected.jsonl, but for what can "
                        "still be read of them; a copy of each file is kept. Off: a set that has such lines is refused."
                    ),
                ),
            ],
            outputs=[
                widgets.dataset_output(),
                _report_output(),
                io.Int.Output("problems", display_name="problems", tooltip="How many problems were found."),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, **_: object) -> float:
        return float("nan")  # files change behind the server's back: always read them again

    @classmethod
    @checked
    def execute(
        cls, dataset: DatasetRef, reject: bool, near_duplicates: bool, attempts: int, mend_lines: bool = False
    ) -> io.NodeOutput:
        writes = reject or mend_lines
        path = (engine.own_ref(dataset) if writes else dataset).path
        with open_for_writing(path, mend=mend_lines) if writes else nullcontext(DatasetStore.open(path)) as store:
            findings = verify(store, duplicates=near_duplicates, progress=progress_bar(len(store)))
            marked = mark_findings(store, findings, attempts) if reject else None
            text = marked.report() if marked else "Nothing was marked."
            if mend_lines and findings.damaged_lines:
                text = f"The lines were mended; copies of the files as they were lie in {store.work}. {text}"
            lost = 0 if marked else len(findings.missing)
            return _marked(store, f"{findings.report()}\n\n{text}", findings.problems(), lost=lost)


def _attempts_input() -> io.Input:
    return io.Int.Input(
        "attempts",
        default=DEFAULT_ATTEMPTS,
        min=1,
        max=1000,
        tooltip="After so many attempts at one item the best one stays, marked; exports leave it out unless asked.",
    )


def _report_output() -> io.Output:
    return io.String.Output("report", display_name="report", tooltip="What was found and done, as Markdown.")


def _marked(store: DatasetStore, text: str, *outputs: object, lost: int = 0) -> io.NodeOutput:
    """The outputs of a node that marked items; `lost` items stand in the set without a file."""
    values = {**engine.facts(store), "report": text, "missing": count_missing(store) + lost}
    return io.NodeOutput(store.ref(), text, *outputs, ui=answer(text, facts=values))


NODES: list[type[io.ComfyNode]] = [
    HypoNetRejectItems,
    HypoNetCheckLabels,
    HypoNetVerifyDataset,
]
