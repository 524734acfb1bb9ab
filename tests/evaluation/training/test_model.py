"""The networks are torchvision's, and inputs are made as torchvision makes them."""

from __future__ import annotations

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch
import torchvision

from hyponet.evaluation.training.model import (
    STEMS,
    Preprocessing,
    build,
    copy_all,
    freeze_batch_norm,
    start_from_imagenet,
)


@pytest.mark.parametrize("architecture", ["resnet18", "resnet34", "resnet50"])
def test_the_default_network_is_torchvisions(architecture):
    torch.manual_seed(5)
    theirs = getattr(torchvision.models, architecture)(num_classes=5).state_dict()
    ours = build(architecture, 5, seed=5).state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_building_leaves_the_global_generator_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    build("resnet18", 2, seed=99)
    assert torch.equal(torch.rand(3), expected)


# side of the map before layer 1 for 32 pixels: halved twice, halved once, kept
@pytest.mark.parametrize(("stem", "side"), list(zip(STEMS, (8, 16, 32), strict=True)))
def test_stems(stem, side):
    network = build("resnet18", 5, stem)
    sides = []
    network.layer1.register_forward_pre_hook(lambda module, inputs: sides.append(inputs[0].shape[-1]))
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 5)
    assert sides == [side]


def test_inputs_are_normalised_as_torchvision_does_it():
    pictures = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8))
    planes = pictures.permute(0, 3, 1, 2).float() / 255
    assert torch.equal(Preprocessing(4).inputs(pictures), planes)
    theirs = torchvision.transforms.functional.normalize(planes, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    ours = Preprocessing(4, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4)).inputs(pictures)
    assert torch.allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_imagenet_weights_go_everywhere_but_into_the_last_layer(tmp_path, suffix):
    theirs = torchvision.models.resnet18().state_dict()
    path = tmp_path / f"resnet18{suffix}"
    torch.save(theirs, path) if suffix == ".pth" else safetensors.torch.save_file(theirs, path)
    network = build("resnet18", 5)
    start_from_imagenet(network, path)
    ours = network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs if not name.startswith("fc."))
    assert ours["fc.weight"].shape == (5, 512)
    with pytest.raises(ValueError, match="do not fit"):
        start_from_imagenet(build("resnet34", 5), path)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match="cannot be read"):
        start_from_imagenet(network, path)
    path.write_text("<html>not found</html>")  # torch's unpickling error is neither a ValueError nor a RuntimeError
    with pytest.raises(ValueError, match="cannot be read"):
        start_from_imagenet(network, path)


def test_frozen_batch_norm_stays_as_it_is():
    network = build("resnet18", 2)
    network.train()
    freeze_batch_norm(network)
    before = {name: value.clone() for name, value in network.state_dict().items() if "bn" in name}
    loss = network(torch.rand(4, 3, 32, 32)).sum()
    loss.backward()
    torch.optim.SGD([weight for weight in network.parameters() if weight.requires_grad], 1.0).step()
    after = network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


@pytest.mark.parametrize(
    ("arguments", "message"), [(("vgg", 5), "architecture"), (("resnet18", 5, "5x5"), "stem"), (("resnet18", 1), "2")]
)
def test_build_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        build(*arguments)


def test_seeds_that_differ_in_their_high_bits_give_other_weights():
    """torch's generator on a CPU takes the lower 32 bits of a seed alone."""
    weights = [build("resnet18", 2, seed=seed).conv1.weight for seed in (5, 5 + 2**32, 5 + 2**33, 2**64 - 1)]
    assert all(not torch.equal(a, b) for i, a in enumerate(weights) for b in weights[:i])


@pytest.mark.parametrize("seed", [0, 5, 2**32 - 1])
def test_a_smaller_seed_is_torchs_own(seed):
    torch.manual_seed(seed)
    expected = torchvision.models.resnet18(weights=None, num_classes=2).conv1.weight
    assert torch.equal(build("resnet18", 2, seed=seed).conv1.weight, expected)


@pytest.mark.parametrize("in_one_call", [True, False])
def test_tensors_are_copied_by_a_torch_without_its_private_call_too(monkeypatch, in_one_call):
    if not in_one_call:
        monkeypatch.delattr(torch, "_foreach_copy_")
    targets = [torch.zeros(2), torch.zeros((), dtype=torch.int64)]  # as batch-norm's: statistics, and a count
    copy_all(targets, [torch.ones(2), torch.tensor(3)])
    assert [target.tolist() for target in targets] == [[1.0, 1.0], 3]
