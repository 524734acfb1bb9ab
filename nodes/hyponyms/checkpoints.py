"""Model files and folders to classifiers, told apart by what is in them.

Reads torchvision's ResNets, timm's models, Hugging Face folders and the checkpoints of Train Classifier; writes only
the Hugging Face hub's cache, when a download is picked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ...evaluation.training import checkpoint as trained
from ...evaluation.transformers_folders import FLOAT32, LOCAL, plain_config
from .classifier import Classifier
from .model_files import WHERE_FROM, folder_config, is_timm_folder, is_transformers_folder, read_metadata, read_tensors
from .preprocessing import EachPicture, ResizeAndCrop, SquareResize
from .shipped_data import imagenet_classes

DOWNLOADS = {"resnet50.tv_in1k (download 98 MB)": ("timm/resnet50.tv_in1k", "model.safetensors")}

# blocks a stage and whether they are bottlenecks -> torchvision's name (He et al. 2015, arXiv 1512.03385, Table 1)
RESNETS: dict[tuple[tuple[int, ...], bool], str] = {
    ((2, 2, 2, 2), False): "resnet18",
    ((3, 4, 6, 3), False): "resnet34",
    ((3, 4, 6, 3), True): "resnet50",
    ((3, 4, 23, 3), True): "resnet101",
    ((3, 8, 36, 3), True): "resnet152",
}


def load(path: Path, name: str) -> Classifier:
    """The classifier in a file or folder, in evaluation mode on the CPU.

    Raises:
        ValueError: truncated, foreign, or of an unknown kind.
        ImportError: the file needs timm or transformers, which is not installed.
    """
    if path.is_dir():
        return _load_folder(path, name)
    metadata = read_metadata(path)
    if metadata.get("format") == trained.FORMAT:
        return _load_trained(path, name)
    tensors = read_tensors(path)
    architecture = resnet_architecture(tensors)
    if architecture:
        return _load_resnet(tensors, architecture, path, name)
    return _load_timm(tensors, metadata.get("architecture") or path.stem, {}, path, name)


def download(name: str) -> Classifier:
    """The classifier of an entry of DOWNLOADS, from the Hugging Face hub's cache or, the first time, from the hub.

    Raises:
        ValueError: the hub cannot be reached and the cache lacks the file.
    """
    try:
        from huggingface_hub import hf_hub_download, try_to_load_from_cache
    except ImportError as error:
        raise ImportError("downloads need huggingface_hub; install it: pip install huggingface_hub") from error

    repository, filename = DOWNLOADS[name]
    cached = try_to_load_from_cache(repository, filename)
    try:
        path = Path(cached if isinstance(cached, str) else hf_hub_download(repository, filename))
    except (OSError, ValueError, RuntimeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ValueError(
            f"download of {repository} failed: {first}; expected a connection to the Hugging Face hub; "
            f"fetch {filename} from https://huggingface.co/{repository} by hand and put it into models/classifiers"
        ) from error
    return load(path, name.split(" ")[0])


def resnet_architecture(tensors: Mapping[str, torch.Tensor]) -> str:
    """torchvision's name of the ResNet that has these tensors, by keys and shapes; "" when it is none of RESNETS."""
    if {"conv1.weight", "bn1.weight", "layer1.0.conv1.weight", "fc.weight", "fc.bias"} - tensors.keys():
        return ""
    plain = tensors["conv1.weight"].shape == (64, 3, 7, 7) and tensors["layer1.0.conv1.weight"].shape[0] == 64
    widths = tensors.get("layer1.0.conv2.weight")
    if not plain or widths is None or widths.shape != (64, 64, 3, 3):  # wide, grouped, or another stem
        return ""
    blocks = [{key.split(".")[1] for key in tensors if key.startswith(f"layer{stage}.")} for stage in range(1, 5)]
    return RESNETS.get((tuple(len(stage) for stage in blocks), "layer1.0.conv3.weight" in tensors), "")


def _load_resnet(tensors: dict[str, torch.Tensor], architecture: str, path: Path, name: str) -> Classifier:
    import torchvision

    classes = int(tensors["fc.weight"].shape[0])
    network = getattr(torchvision.models, architecture)(weights=None, num_classes=classes)
    _fill(network, tensors, path, f"torchvision's {architecture}")
    names, synsets = _classes(classes, ())
    return Classifier(name, architecture, names, synsets, ResizeAndCrop(), network.train(False))


def _load_trained(path: Path, name: str) -> Classifier:
    checkpoint = trained.load_checkpoint(path)
    settings = checkpoint.preprocessing
    preprocessing = SquareResize(settings.size, settings.filter, settings.crop, settings.mean, settings.std)
    try:
        network = checkpoint.model()
    except (RuntimeError, KeyError) as error:
        raise ValueError(_foreign(path, f"our own {checkpoint.architecture}", error)) from error
    synsets = ("",) * len(checkpoint.class_names)
    return Classifier(name, checkpoint.architecture, checkpoint.class_names, synsets, preprocessing, network)


def _load_folder(path: Path, name: str) -> Classifier:
    config = folder_config(path)
    if is_timm_folder(config):
        for filename in ("model.safetensors", "pytorch_model.bin"):
            if (path / filename).is_file():
                return _load_timm(read_tensors(path / filename), config["architecture"], config, path, name)
        raise ValueError(f"model folder {path} holds no weights; expected model.safetensors; download it again")
    if is_transformers_folder(config):
        return _load_transformers(path, name)
    raise ValueError(
        f"model folder {path} has no config.json of an image classifier; {WHERE_FROM}; "
        "a folder of transformers names an architecture that ends in ForImageClassification"
    )


def _load_timm(
    tensors: dict[str, torch.Tensor], architecture: str, config: Mapping[str, Any], path: Path, name: str
) -> Classifier:
    """A timm model; `config` is the config.json of its folder, empty for a file alone."""
    timm = _timm(f"model {path} is no ResNet of torchvision's ({WHERE_FROM}); to try it as timm's {architecture!r} it")
    if not timm.is_model(architecture):
        raise ValueError(
            f"model file {path} holds {len(tensors)} tensors of an unknown kind, such as {next(iter(tensors))!r}; "
            f"{WHERE_FROM}; a timm model needs its timm name as file name or in the metadata's `architecture`"
        )
    try:
        configured = timm.models.get_pretrained_cfg(architecture)
    except RuntimeError:  # a tag that this timm does not know: the weights say what counts
        architecture = architecture.split(".")[0]
        configured = timm.models.get_pretrained_cfg(architecture)
    head = tensors.get(f"{getattr(configured, 'classifier', None) or 'fc'}.weight")
    classes = int(head.shape[0]) if head is not None else 1000
    network = timm.create_model(architecture, pretrained=False, num_classes=classes)
    _fill(network, tensors, path, f"timm's {architecture}")
    pretrained = config.get("pretrained_cfg")  # of this very training; the architecture's default may resize otherwise
    settings = timm.data.resolve_data_config({}, pretrained if isinstance(pretrained, dict) else None, network)
    transform = timm.data.create_transform(**settings, is_training=False)
    label_names = config.get("label_names")
    labels = label_names if isinstance(label_names, list) else ()
    names, synsets = _classes(classes, labels) if labels or classes == 1000 else _timm_classes(classes)
    return Classifier(name, architecture, names, synsets, EachPicture(transform), network.train(False))


def _timm(what: str) -> Any:
    try:
        import timm
        import timm.data
    except ImportError as error:
        raise ImportError(f"{what} needs timm, which is not installed; install it: pip install timm") from error
    return timm


def _timm_classes(classes: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and wnids of timm's larger ImageNet subsets, told by the number of classes."""
    data = _timm("these class names").data
    subset = data.infer_imagenet_subset({"num_classes": classes})
    if not subset:
        return _classes(classes, ())
    info = data.ImageNetInfo(subset)
    wnids = tuple(info.label_names())
    return tuple(info.label_name_to_description(wnid, detailed=False).split(",")[0] for wnid in wnids), wnids


class _Logits(torch.nn.Module):
    """transformers' classifiers return an object; this gives its logits."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(pixel_values=pixels).logits
        return logits


def _load_transformers(path: Path, name: str) -> Classifier:
    try:
        from transformers import AutoImageProcessor, AutoModelForImageClassification
    except ImportError as error:
        raise ImportError(f"model folder {path} needs transformers; install it: pip install transformers") from error
    models: Any = AutoModelForImageClassification
    processors: Any = AutoImageProcessor
    try:
        # without the flag transformers asks in the server's console whether to run code of the folder
        network = models.from_pretrained(str(path), config=plain_config(path, ""), torch_dtype=FLOAT32, **LOCAL)
        processor = processors.from_pretrained(str(path), **LOCAL)
    except MemoryError:
        raise
    except Exception as error:  # transformers raises whatever its file formats raise
        raise ValueError(_foreign(path, "an image classifier of transformers", error)) from error

    def transform(picture: Any) -> torch.Tensor:
        pixels: torch.Tensor = processor(images=picture, return_tensors="pt")["pixel_values"][0]
        return pixels

    config = network.config
    labels = [str(config.id2label[index]) for index in range(config.num_labels)]
    names, synsets = _classes(len(labels), labels)
    architecture = str(config.model_type)
    return Classifier(name, architecture, names, synsets, EachPicture(transform), _Logits(network).train(False))


def _classes(classes: int, labels: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and wnids of the outputs: ImageNet's where the labels, or without labels their number, say so."""
    imagenet = imagenet_classes()
    if not labels and classes != len(imagenet):
        return tuple(f"class {index}" for index in range(classes)), ("",) * classes
    if len(labels) in (0, len(imagenet)):
        names = [name.replace("_", " ") for _, name in imagenet]
        first = [str(label).split(",")[0].replace("_", " ").strip().casefold() for label in labels]
        same_names = sum(label == name.casefold() for label, name in zip(first, names, strict=False))
        same_wnids = sum(str(label) == wnid for label, (wnid, _) in zip(labels, imagenet, strict=False))
        if not labels or max(same_names, same_wnids) >= 900:  # spellings differ in a few classes, the order in none
            return tuple(names), tuple(wnid for wnid, _ in imagenet)
    return tuple(str(label) for label in labels), ("",) * len(labels)


def _fill(network: torch.nn.Module, tensors: dict[str, torch.Tensor], path: Path, kind: str) -> None:
    """Copies the tensors into the network; counters of batch norm that a file leaves out keep their start."""
    counters = {key: value for key, value in network.state_dict().items() if key.endswith("num_batches_tracked")}
    try:
        network.load_state_dict({**counters, **tensors})
    except RuntimeError as error:
        raise ValueError(_foreign(path, kind, error)) from None


def _foreign(path: Path, kind: str, error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    detail = " ".join(lines[:3])[:300] or type(error).__name__
    return f"model {path} does not fit {kind}: {detail}; {WHERE_FROM}"
