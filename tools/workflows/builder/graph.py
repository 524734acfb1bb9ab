"""A workflow as a person describes it: stages from left to right, nodes in each, links by the names of outputs.

A description reads like this, and becomes JSON in the graph form and in the API form (`forms.py`):

    flow = Flow("hyponet_example", "An example", nodes)
    flow.stage("Model")
    model = flow.add("CheckpointLoaderSimple", ckpt_name=SD15)
    flow.stage("Images")
    flow.add("KSampler", model=model["MODEL"], seed=7, ...)

Every input must be named as the server names it, every combo that depends on installed files must be given, and
whatever is left out takes the default of the node's schema: the same JSON on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

WIDTH = 310  # pixels, of a node
# node type -> pixels for the name on its head in the canvas, where that needs more than the nodes of some workflow
HEAD_WIDTHS = {
    "HypoNetCompareClassifiers": 282,
    "HypoNetDynamicPrompt": 354,
    "HypoNetExportDataset": 362,
    "HypoNetExtractFeatures": 328,
    "HypoNetFindCopies": 286,
    "HypoNetLoadLabelledImages": 348,
    "HypoNetMergeImages": 340,
    "HypoNetSplitDataset": 316,
    "HypoNetTestClassifier": 312,
}
WIDGET_TYPES = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
Schemas = Mapping[str, Mapping[str, Any]]  # node type -> what /object_info says of it


class OutputSlot(NamedTuple):
    """One output of one node, to link from."""

    node: int
    index: int
    type: str


class Input(NamedTuple):
    """One input of a node type."""

    name: str
    type: str
    options: Mapping[str, Any]
    choices: tuple[Any, ...] | None
    required: bool

    @property
    def is_widget(self) -> bool:
        return self.type in WIDGET_TYPES and not self.options.get("forceInput")

    @property
    def is_multiline(self) -> bool:
        return self.type == "STRING" and bool(self.options.get("multiline"))

    @property
    def has_control(self) -> bool:
        """Whether the editor adds a `control after generate` widget; it does so for every seed unless told not to."""
        stated = self.options.get("control_after_generate")
        return self.type == "INT" and bool(self.name in ("seed", "noise_seed") if stated is None else stated)


@dataclass
class Node:
    """A node with what was said about it: values of widgets, links of inputs."""

    id: int
    type: str
    title: str
    inputs: list[Input]
    outputs: list[tuple[str, str]]  # name, type
    values: dict[str, Any]
    links: dict[str, OutputSlot]
    box: tuple[int, int]  # width, and height; 0: by content
    models: list[dict[str, str]] = field(default_factory=list)
    text: str = ""  # of a note
    answers: bool = False  # in a box of its own, which web/js/answers.js draws
    answer_height: int = 0  # of that box; 0: the least
    served: dict[str, Any] = field(default_factory=dict)  # other values of widgets where `dev.py serve` offers it
    is_collapsed: bool = False  # to its title bar, since nothing in it is to be changed
    is_muted: bool = False  # neither run nor queued until its user says so

    def __getitem__(self, output: str) -> OutputSlot:
        """The output of that name."""
        for index, (name, type_) in enumerate(self.outputs):
            if name == output:
                return OutputSlot(self.id, index, type_)
        raise KeyError(f"{self.type} has no output {output!r}; it has {[name for name, _ in self.outputs]}")


@dataclass
class GraphStage:
    """One box of the layout: a titled group, its nodes in columns."""

    title: str
    columns: list[list[Node]]
    colour: str
    is_below: bool = False  # the stage before it, instead of to its right


COLOURS = ("#3f789e", "#a1309b", "#8a8", "#b58b2a", "#b06634", "#88A", "#8A8", "#444")


class Flow:
    """A workflow under construction.

    Args:
        name: the file's name without suffix; unique across packs. The template browser shows it as the title, and
            again, its underscores as spaces, as the description; it sorts by it.
        title: one line for people.
        schemas: the server's /object_info.
        api_only: no graph of its own: people open another one, and programs run this.
        width: of its nodes.
    """

    def __init__(self, name: str, title: str, schemas: Schemas, *, api_only: bool = False, width: int = WIDTH) -> None:
        self.name, self.title, self.schemas, self.api_only, self.width = name, title, schemas, api_only, width
        self.stages: list[GraphStage] = []
        self.current: GraphStage
        self.nodes: list[Node] = []

    def stage(self, title: str, *, below: bool = False) -> GraphStage:
        """Begin the next box, to the right of the last one or below it."""
        self.current = GraphStage(title, [[]], COLOURS[len(self.stages) % len(COLOURS)], below)
        self.stages.append(self.current)
        return self.current

    def return_to(self, stage: GraphStage) -> None:
        """Go on in a box that was begun before."""
        self.current = stage

    def column(self) -> None:
        """Begin another column of nodes in the same box."""
        if self.current.columns[-1]:
            self.current.columns.append([])

    def note(self, text: str, width: int = 0) -> None:
        """A Markdown note in the current box, of the workflow's width or a wider one."""
        box = (width or self.width, 0)
        node = Node(len(self.nodes) + 1, "MarkdownNote", "", [], [], {}, {}, box, text=text.strip())
        self._place(node)

    def add(
        self,
        kind: str,
        title: str = "",
        /,
        *,
        box: tuple[int, int] = (0, 0),
        served: Mapping[str, Any] | None = None,
        **inputs: Any,
    ) -> Node:
        """A node of type `kind` below the last one.

        Args:
            kind, title: what it is, and what stands on its head; by position, since nodes have inputs of that name.
            box: width and height of its body; 0 is the workflow's width, and by content.
            served: values of widgets where `dev.py serve` offers the workflow, see served.py.
            inputs: values of widgets, or outputs of other nodes.

        Raises:
            ValueError: the type, an input or a needed value is missing; the message names it.
        """
        if kind not in self.schemas:
            raise ValueError(f"{self.name}: there is no node type {kind!r}")
        schema = self.schemas[kind]
        declared = read_inputs(schema)
        names = {entry.name for entry in declared}
        unknown = sorted(set(inputs) - names)
        if unknown:
            raise ValueError(f"{self.name}: {kind} has no input {unknown}; it has {sorted(names)}")
        links = {name: value for name, value in inputs.items() if isinstance(value, OutputSlot)}
        values = {entry.name: self._value(kind, entry, inputs) for entry in declared if entry.is_widget}
        for entry in declared:
            if not entry.is_widget and entry.required and entry.name not in links:
                raise ValueError(f"{self.name}: {kind} needs a link to {entry.name}")
            if entry.name in links and not _fits(links[entry.name].type, entry.type):
                raise ValueError(f"{self.name}: {kind}.{entry.name} is {entry.type}, not {links[entry.name].type}")
        outputs = list(zip(schema["output_name"], schema["output"], strict=True))
        outputs = [(name, "COMBO" if isinstance(type_, list) else type_) for name, type_ in outputs]
        sized = (max(box[0] or self.width, 0 if title else HEAD_WIDTHS.get(kind, 0)), box[1])
        node = Node(len(self.nodes) + 1, kind, title, declared, outputs, values, links, sized)
        node.answers = kind.startswith("HypoNet") and bool(schema["output_node"])
        node.served = dict(served or {})
        self._place(node)
        return node

    def title_of(self, node: Node) -> str:
        """What stands on the node's head."""
        if node.title or node.type not in self.schemas:
            return node.title or node.type
        return str(self.schemas[node.type].get("display_name") or node.type)

    def _place(self, node: Node) -> None:
        if not self.stages:
            self.stage("")
        self.nodes.append(node)
        self.current.columns[-1].append(node)

    def _value(self, kind: str, entry: Input, inputs: Mapping[str, Any]) -> Any:
        """The widget's value: as given, else the schema's default where that is the same on every machine."""
        value = inputs.get(entry.name)
        if value is not None and not isinstance(value, OutputSlot):
            return _checked(f"{self.name}: {kind}.{entry.name}", entry, value)
        if "default" in entry.options and (entry.choices is None or not _lists_files(entry)):
            return entry.options["default"]
        if entry.choices is not None and entry.choices and not _lists_files(entry):
            return entry.choices[0]
        if entry.type in ("INT", "FLOAT") and isinstance(value, OutputSlot):
            return entry.options.get("min", 0) if entry.options.get("min", 0) >= 0 else 0
        if entry.type == "STRING":
            return ""
        if entry.type == "BOOLEAN":
            return False
        raise ValueError(f"{self.name}: {kind} needs a value for {entry.name}")


def read_inputs(schema: Mapping[str, Any]) -> list[Input]:
    """The inputs of a node type in the order in which the editor shows them."""
    inputs = []
    for part in ("required", "optional"):
        declared = schema["input"].get(part, {})
        for name in schema.get("input_order", {}).get(part, list(declared)):
            spec = declared[name]
            options = spec[1] if len(spec) > 1 and isinstance(spec[1], dict) else {}
            is_list = isinstance(spec[0], list)
            choices = tuple(spec[0]) if is_list else options.get("options")
            type_ = "COMBO" if is_list else str(spec[0])
            inputs.append(Input(name, type_, options, None if choices is None else tuple(choices), part == "required"))
    return inputs


def _lists_files(entry: Input) -> bool:
    """Whether the options of a combo are files, so that they differ from machine to machine."""
    if entry.choices is None:
        return False
    ends = (".safetensors", ".ckpt", ".pth", ".pt", ".png", ".jpg", ".npz", ".txt", ".yaml")
    return not entry.choices or any(str(choice).endswith(ends) for choice in entry.choices)


def _checked(what: str, entry: Input, value: Any) -> Any:
    """`value` if the widget takes it; a combo of fixed options must list it."""
    if entry.choices is not None and value not in entry.choices and entry.name not in FILE_WIDGETS:
        raise ValueError(f"{what} is {value!r}; expected one of {list(entry.choices)[:12]}")
    kinds = {"INT": int, "FLOAT": (int, float), "STRING": str, "BOOLEAN": bool}
    is_kind = isinstance(value, kinds.get(entry.type, object)) and isinstance(value, bool) == (entry.type == "BOOLEAN")
    if entry.type in kinds and not is_kind:
        raise ValueError(f"{what} is {value!r}; expected {entry.type}")
    low, high = entry.options.get("min"), entry.options.get("max")
    if entry.type in ("INT", "FLOAT") and ((low is not None and value < low) or (high is not None and value > high)):
        raise ValueError(f"{what} is {value!r}; expected {low} to {high}")
    return value


# combos whose options are files on the user's disk
FILE_WIDGETS = {"ckpt_name", "image", "lora_name", "model_name", "unet_name", "vae_name", "file", "name"}
FILE_WIDGETS |= {"clip_name", "clip_name1", "clip_name2", "clip_name3"}


def _fits(output_types: str, input_types: str) -> bool:
    return input_types == "*" or output_types == "*" or bool(set(output_types.split(",")) & set(input_types.split(",")))
