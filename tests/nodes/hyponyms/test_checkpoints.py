"""Load Classifier's files: torchvision, timm, Hugging Face and our own; logits are the libraries' own to 1e-5."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import torchvision
import transformers
from PIL import Image
from safetensors.torch import save_file
from skimage import data

from hyponet.evaluation.training import model as trained
from hyponet.evaluation.training.checkpoint import save_checkpoint
from hyponet.nodes.hyponyms.checkpoints import load, resnet_architecture
from hyponet.nodes.hyponyms.model_files import fingerprint, list_names
from hyponet.nodes.hyponyms.predictions import average_class, predictions_report, top_predictions
from hyponet.tests.evaluation.sample_pictures import provenance
from tools.dev.pack import LOAD_PACK


def pictures() -> torch.Tensor:
    return torch.from_numpy(np.stack([data.chelsea()[:300, :400], data.coffee()[:300, :400]]) / 255.0).float()


def random_network(architecture: str, classes: int = 1000) -> torch.nn.Module:
    """torchvision's own network with weights and statistics that are no identity."""
    generator = torch.Generator().manual_seed(0)
    network = getattr(torchvision.models, architecture)(weights=None, num_classes=classes)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(1 + 0.1 * torch.rand(tensor.shape, generator=generator))
        elif name.endswith("running_mean"):
            tensor.copy_(0.1 * torch.randn(tensor.shape, generator=generator))
    return network.eval()


@pytest.mark.parametrize(
    ("architecture", "suffix", "wrap"),
    [
        ("resnet18", ".safetensors", None),
        ("resnet50", ".pth", None),
        ("resnet18", ".pth", "state_dict"),
    ],
)
def test_logits_equal_torchvisions(tmp_path, architecture, suffix, wrap):
    network = random_network(architecture)
    path = tmp_path / f"mine{suffix}"
    if suffix == ".safetensors":
        save_file(network.state_dict(), path)
    else:
        state = network.state_dict()
        torch.save({wrap: {f"module.{name}": value for name, value in state.items()}} if wrap else state, path)
    classifier = load(path, path.name)
    assert classifier.architecture == architecture
    batch = classifier.preprocess(pictures())
    with torch.no_grad():
        expected = network(batch)
    torch.testing.assert_close(classifier.logits(batch), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(classifier.probabilities(pictures()), expected.softmax(1), atol=1e-5, rtol=0)
    # positions of torchvision's ResNet50_Weights.IMAGENET1K_V1.meta["categories"]
    assert [classifier.class_names[index] for index in (0, 281, 817, 999)] == [
        "tench", "tabby", "sports car", "toilet tissue",
    ]  # fmt: skip
    assert classifier.synsets[281] == "n02123045"


def test_class_names_are_torchvisions():
    categories = torchvision.models.ResNet50_Weights.IMAGENET1K_V1.meta["categories"]
    from hyponet.nodes.hyponyms.shipped_data import imagenet_classes

    names = [label.replace("_", " ") for _, label in imagenet_classes()]
    different = [(name, other) for name, other in zip(names, categories, strict=True) if name != other]
    # torchvision lengthens the first of two namesakes, https://github.com/pytorch/vision
    assert different == [("crane", "crane bird"), ("maillot", "maillot tank suit")]


@pytest.mark.parametrize("architecture", ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"])
def test_resnets_are_told_apart_by_keys_and_shapes(architecture):
    with torch.device("meta"):
        tensors = getattr(torchvision.models, architecture)(weights=None).state_dict()
    assert resnet_architecture(tensors) == architecture


@pytest.mark.parametrize("other", ["wide_resnet50_2", "resnext50_32x4d", "mobilenet_v3_small", "densenet121"])
def test_other_networks_are_no_resnet(other):
    with torch.device("meta"):
        tensors = getattr(torchvision.models, other)(weights=None).state_dict()
    assert resnet_architecture(tensors) == ""


def test_timms_resnet50_is_torchvisions(tmp_path):
    """The file that the list offers for download is timm's resnet50.tv_in1k; it opens without timm."""
    torch.manual_seed(0)
    network = timm.create_model("resnet50.tv_in1k", pretrained=False).eval()
    save_file(network.state_dict(), tmp_path / "model.safetensors", metadata={"format": "pt"})
    classifier = load(tmp_path / "model.safetensors", "resnet50.tv_in1k")
    assert classifier.architecture == "resnet50"
    transform = timm.data.create_transform(**timm.data.resolve_data_config({}, model=network), is_training=False)
    batch = classifier.preprocess(pictures())
    assert torch.equal(batch[0], transform(Image.fromarray(data.chelsea()[:300, :400])))
    with torch.no_grad():
        torch.testing.assert_close(classifier.logits(batch), network(batch), atol=1e-5, rtol=0)


def test_a_timm_file_says_its_architecture(tmp_path):
    torch.manual_seed(0)
    network = timm.create_model("mobilenetv3_small_050", pretrained=False).eval()
    path = tmp_path / "any name.safetensors"
    save_file(network.state_dict(), path, metadata={"architecture": "mobilenetv3_small_050"})
    classifier = load(path, path.name)
    transform = timm.data.create_transform(**timm.data.resolve_data_config({}, model=network), is_training=False)
    batch = classifier.preprocess(pictures())
    first = Image.fromarray(data.chelsea()[:300, :400])
    torch.testing.assert_close(batch[0], transform(first), atol=0, rtol=0)
    with torch.no_grad():
        torch.testing.assert_close(classifier.logits(batch), network(batch), atol=1e-5, rtol=0)
    save_file(network.state_dict(), tmp_path / "mobilenetv3_small_050.safetensors")  # or its file name says so
    assert load(tmp_path / "mobilenetv3_small_050.safetensors", "x").synsets == classifier.synsets
    save_file(network.state_dict(), tmp_path / "mobilenetv3_small_050.mine.safetensors")  # with a tag of one's own
    assert load(tmp_path / "mobilenetv3_small_050.mine.safetensors", "x").synsets == classifier.synsets


def test_a_timm_folder_with_its_own_classes(tmp_path):
    network = timm.create_model("mobilenetv3_small_050", pretrained=False, num_classes=3)
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    config = {"architecture": "mobilenetv3_small_050", "num_classes": 3, "label_names": ["cat", "dog", "ship"]}
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    classifier = load(tmp_path, "folder")
    assert classifier.class_names == ("cat", "dog", "ship")
    assert classifier.synsets == ("", "", "")
    assert classifier.probabilities(pictures()).shape == (2, 3)


def test_a_timm_folder_says_how_its_pictures_are_resized(tmp_path):
    """timm's resnet50 alone means another training, which resizes to 235 by bicubic; the folder's own counts."""
    network = timm.create_model("resnet50.tv_in1k", pretrained=False)
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    config = {"architecture": "resnet50", "num_classes": 1000, "pretrained_cfg": network.pretrained_cfg}
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    transform = timm.data.create_transform(**timm.data.resolve_data_config({}, model=network), is_training=False)
    expected = transform(Image.fromarray(data.chelsea()[:300, :400]))
    assert torch.equal(load(tmp_path, "folder").preprocess(pictures())[0], expected)


@pytest.mark.parametrize("imagenet", [True, False])
def test_a_hugging_face_folder(tmp_path, imagenet):
    names = torchvision.models.ResNet50_Weights.IMAGENET1K_V1.meta["categories"] if imagenet else ["cat", "dog"]
    torch.manual_seed(0)
    config = transformers.ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 16],
        depths=[1, 1],
        layer_type="basic",
        id2label={index: f"{name}, and more" for index, name in enumerate(names)},
        label2id={f"{name}, and more": index for index, name in enumerate(names)},
    )
    network = transformers.ResNetForImageClassification(config).eval()
    network.save_pretrained(tmp_path / "hf")
    processor = transformers.ConvNextImageProcessor(size={"shortest_edge": 64}, crop_pct=1.0)
    processor.save_pretrained(tmp_path / "hf")
    assert list_names([tmp_path]) == ["hf"]
    classifier = load(tmp_path / "hf", "hf")
    expected = processor(images=Image.fromarray(data.chelsea()[:300, :400]), return_tensors="pt")["pixel_values"]
    batch = classifier.preprocess(pictures())
    torch.testing.assert_close(batch[:1], expected, atol=1e-6, rtol=0)
    with torch.no_grad():
        torch.testing.assert_close(classifier.logits(batch), network(batch).logits, atol=1e-5, rtol=0)
    assert classifier.synsets[:1] == (("n01440764",) if imagenet else ("",))


def small_transformers_folder(folder: Path, half: bool = False) -> None:
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8], depths=[1], layer_type="basic")
    network = transformers.ResNetForImageClassification(config)
    (network.half() if half else network).save_pretrained(folder)
    transformers.ConvNextImageProcessor(size={"shortest_edge": 64}, crop_pct=1.0).save_pretrained(folder)


def test_a_hugging_face_folder_in_half_precision_runs(tmp_path):
    small_transformers_folder(tmp_path, half=True)
    assert load(tmp_path, "half").probabilities(pictures()).sum(1).tolist() == pytest.approx([1.0, 1.0], abs=1e-5)


@pytest.mark.parametrize(
    ("name", "value"), [("attn_implementation", "kernels-community/flash-attn2"), ("dtype", "bfloat16")]
)
def test_a_folders_config_does_not_steer_how_it_runs(tmp_path, name, value):
    small_transformers_folder(tmp_path)
    plain = load(tmp_path, "plain").probabilities(pictures())
    config = json.loads((tmp_path / "config.json").read_text("utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**config, name: value}), "utf-8")
    assert torch.equal(load(tmp_path, "steered").probabilities(pictures()), plain)


def test_a_folder_with_code_of_its_own_is_refused_without_asking(tmp_path, monkeypatch, capsys):
    small_transformers_folder(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text("utf-8"))
    code = {"AutoConfig": "own.Config", "AutoModelForImageClassification": "own.Model"}
    (tmp_path / "config.json").write_text(json.dumps({**config, "model_type": "own", "auto_map": code}), "utf-8")
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')", "utf-8")
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    with pytest.raises(ValueError, match="does not fit an image classifier of transformers"):
        load(tmp_path, "own")
    assert "[y/N]" not in capsys.readouterr().out
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("stem", trained.STEMS)
def test_what_train_classifier_saves(tmp_path, stem):
    network = trained.build("resnet18", 3, stem, seed=1).eval()
    settings = trained.Preprocessing(32, "bicubic", "squash", (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    came_from = provenance(stem=stem)
    save_checkpoint(tmp_path / "mine.safetensors", network, ("cat", "horse", "ship"), settings, came_from)
    classifier = load(tmp_path / "mine.safetensors", "mine")
    assert classifier.class_names == ("cat", "horse", "ship")
    small = [
        Image.fromarray((255 * one).byte().numpy()).resize((32, 32), Image.Resampling.BICUBIC) for one in pictures()
    ]
    batch = torch.stack([(torch.from_numpy(np.array(one)).permute(2, 0, 1) / 255 - 0.5) / 0.25 for one in small])
    torch.testing.assert_close(classifier.preprocess(pictures()), batch, atol=1e-6, rtol=0)
    with torch.no_grad():
        torch.testing.assert_close(classifier.logits(batch), network(batch), atol=1e-5, rtol=0)


def test_predictions_rank_average_and_warn(tmp_path):
    network = random_network("resnet18")
    torch.nn.init.zeros_(network.fc.weight)
    torch.nn.init.zeros_(network.fc.bias)  # every class has 1/1000
    save_file(network.state_dict(), tmp_path / "flat.safetensors")
    classifier = load(tmp_path / "flat.safetensors", "flat")
    rows = top_predictions(classifier, pictures(), 5)
    assert [len(row) for row in rows] == [5, 5]
    assert rows[0][0].probability == pytest.approx(0.001, abs=1e-6)
    assert "Low confidence: picture 2" in predictions_report(rows, 0.3)
    assert "Low confidence" not in predictions_report(rows, 0.0)
    assert "**Low confidence**" in average_class(classifier, pictures()).note
    assert "2 pictures, averaged" in average_class(classifier, pictures()).note
    with pytest.raises(ValueError, match=r"batch is taken for .* 0\.1%, .*at least 30%.*minimum_confidence to 0"):
        average_class(classifier, pictures(), 0.3)
    assert average_class(classifier, pictures(), 0.0009).probability == pytest.approx(0.001, abs=1e-6)


def whole_resnet(path: Path) -> bytes:
    save_file(random_network("resnet18", 10).state_dict(), path)
    return path.read_bytes()


def test_truncated_files_are_named(tmp_path):
    whole = whole_resnet(tmp_path / "a.safetensors")
    (tmp_path / "a.safetensors").write_bytes(whole[: len(whole) // 2])
    torch.save(random_network("resnet18", 10).state_dict(), tmp_path / "b.pth")
    (tmp_path / "b.pth").write_bytes((tmp_path / "b.pth").read_bytes()[:100_000])
    (tmp_path / "c.pth").write_bytes(b"")
    for name in ("a.safetensors", "b.pth", "c.pth"):
        with pytest.raises(ValueError, match=rf"(?s){name} .* cannot be read: .*expected a whole.*https://huggingface"):
            load(tmp_path / name, name)


class Hostile:
    """Pickles as a call that writes a file; weights_only must refuse it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_a_file_that_would_run_code_is_refused(tmp_path):
    torch.save({"state_dict": Hostile(tmp_path / "ran")}, tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"x\.pth .* cannot be read"):
        load(tmp_path / "x.pth", "x.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("tensors", "metadata", "says"),
    [
        ({"unet.weight": torch.zeros(2)}, {}, "unknown kind, such as 'unet.weight'; expected a torchvision ResNet"),
        ({"a": torch.zeros(1)}, {"architecture": "mobilenetv3_small_050"}, "does not fit timm's mobilenetv3_small_050"),
        ({"a": torch.zeros(1)}, {"architecture": "hf-hub:someone/else"}, "unknown kind"),
        ({"a": torch.zeros(1)}, {"architecture": "local-dir:."}, "unknown kind"),
    ],
)
def test_foreign_files_say_what_was_expected(tmp_path, tensors, metadata, says):
    save_file(tensors, tmp_path / "foreign.safetensors", metadata=metadata)
    with pytest.raises(ValueError, match=says):
        load(tmp_path / "foreign.safetensors", "foreign")


def test_foreign_folders_and_empty_files(tmp_path):
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "config.json").write_text('{"architectures": ["CLIPModel"], "model_type": "clip"}')
    (tmp_path / "clip" / "model.safetensors").write_bytes(b"")
    assert list_names([tmp_path]) == []
    with pytest.raises(ValueError, match=r"no config\.json of an image classifier"):
        load(tmp_path / "clip", "clip")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ValueError, match="holds no tensors"):
        load(tmp_path / "list.pth", "list")


@pytest.mark.posix("making links needs a right")
def test_the_list_shows_files_and_folders_resnet50_first(tmp_path):
    for name in ("a.safetensors", "sub/my_ResNet50.pth", "sub/.hidden.pth", ".cache/x.pth", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "door.safetensors").symlink_to(__file__)  # leads out: confine() would refuse it
    assert list_names([tmp_path, tmp_path / "missing"]) == ["sub/my_ResNet50.pth", "a.safetensors"]
    before = fingerprint(tmp_path / "sub")
    os.utime(tmp_path / "sub" / "my_ResNet50.pth", ns=(1, 1))
    assert fingerprint(tmp_path / "sub") != before


OFFLINE_DOWNLOAD = """
import pathlib, sys
from hyponet.nodes.hyponyms.checkpoints import DOWNLOADS, download
try:
    download(next(iter(DOWNLOADS)))
except ValueError as error:
    print(error)
pathlib.Path(sys.argv[1]).rename(sys.argv[2])
print(download(next(iter(DOWNLOADS))).architecture)
"""


def test_the_download_is_named_when_missing_and_read_from_the_hubs_cache(tmp_path):
    """In a process of its own, since the hub's library reads its settings once."""
    made, cached = tmp_path / "made", tmp_path / "cache" / "models--timm--resnet50.tv_in1k"
    (made / "snapshots" / "0123abc").mkdir(parents=True)
    (made / "refs").mkdir()
    (made / "refs" / "main").write_text("0123abc")
    save_file(random_network("resnet50").state_dict(), made / "snapshots" / "0123abc" / "model.safetensors")
    (tmp_path / "cache").mkdir()
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", LOAD_PACK + OFFLINE_DOWNLOAD, str(made), str(cached)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    first, second = run.stdout.splitlines()[-2:]
    assert "by hand and put it into models/classifiers" in first, run.stderr
    assert second == "resnet50"
