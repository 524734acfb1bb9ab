"""DINOv2 and CLIP beside transformers, torch-fidelity and DINOv2's own code, on identical random weights."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F
from transformers import BitImageProcessor, CLIPImageProcessor, CLIPModel, Dinov2Model

from hyponet.evaluation.metrics.clip_score import measure_clip_score, text_features
from hyponet.evaluation.metrics.cmmd import measure_cmmd, squared_mmd
from hyponet.evaluation.metrics.conventions import Preparation, resized_to
from hyponet.evaluation.metrics.diversity import measure_diversity
from hyponet.evaluation.metrics.feature_statistics import statistics_of
from hyponet.evaluation.metrics.features import default_batch, extract_features
from hyponet.evaluation.metrics.fid import measure_fid
from hyponet.evaluation.metrics.inception_score import measure_inception_score
from hyponet.evaluation.metrics.kid import measure_kid
from hyponet.evaluation.metrics.precision_recall import measure_precision_recall
from hyponet.evaluation.metrics.statistics_files import load_statistics, save_statistics
from hyponet.evaluation.metrics.vision_transformers import load_vision_transformer, resampled_positions
from hyponet.evaluation.metrics.vision_weights import VISION_NETWORKS, find_vision_folder, shape_warnings
from hyponet.tools.stand_ins.vision import TEXT_LENGTH, write_clip, write_dino

from .inception_fixtures import as_set, crops, made_up
from .vision_fixtures import CLIP_336, CLIP_B, DINO_S, openais_names

COUNT = 12


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    return crops(COUNT), crops(COUNT, noise=12, seed=1)


@pytest.fixture(scope="module")
def dino(tmp_path_factory) -> Path:
    return write_dino(tmp_path_factory.mktemp("dino") / "dinov2-small")


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip-vit-base-patch32")


def close(found: torch.Tensor | np.ndarray, expected: torch.Tensor | np.ndarray, share: float = 1e-4) -> bool:
    """Whether all differences are at most `share` of the largest value."""
    found, expected = np.asarray(found), np.asarray(expected)
    return bool(np.abs(found - expected).max() <= share * np.abs(expected).max())


def channels_first(pictures: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2)


def test_dinov2_is_transformers_own_pipeline(dino, pair) -> None:
    processor = BitImageProcessor(  # preprocessor_config.json of facebook/dinov2-small
        size={"shortest_edge": 256},
        crop_size={"height": 224, "width": 224},
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
        resample=3,
    )
    inputs = processor(images=list(channels_first(pair[0])), return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        expected = Dinov2Model.from_pretrained(dino)(inputs).pooler_output
    found = extract_features(
        as_set(pair[0]), load_vision_transformer(dino, DINO_S, "transformers"), Preparation("transformers")
    )
    assert close(found.features, expected)
    assert (found.network, found.logits.shape) == ("dinov2-vit-s-14", (COUNT, 0))


def test_batch_zero_is_a_transformers_own(dino, clip) -> None:
    for folder, network in ((dino, DINO_S), (clip, CLIP_B)):
        # measured: CLIP ViT-B/32 takes 96 ms a picture for 8 on one core, and 101 for 4
        assert default_batch(load_vision_transformer(folder, network, "torch-fidelity")) == 8


def test_clip_is_transformers_own_pipeline(clip, pair) -> None:
    processor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    inputs = processor(images=list(channels_first(pair[0])), return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        expected = CLIPModel.from_pretrained(clip)(
            pixel_values=inputs, input_ids=torch.tensor([[0, 1]]), attention_mask=torch.ones(1, 2)
        ).image_embeds  # of unit length
    found = extract_features(
        as_set(pair[0]), load_vision_transformer(clip, CLIP_B, "transformers"), Preparation("transformers")
    ).features
    assert close(found / np.linalg.norm(found, axis=1, keepdims=True), expected)


@pytest.mark.parametrize("convention", ["torch-fidelity", "clean-fid", "dgm_eval", "transformers"])
def test_without_resampled_positions_every_convention_gives_transformers_features_of_its_tensor(
    tmp_path: Path, convention: str
) -> None:
    folder = write_dino(tmp_path / "dinov2-small", trained_at=224)
    network = load_vision_transformer(folder, DINO_S, convention)
    inputs = network.prepare(torch.from_numpy(crops(2)), convention)
    with torch.inference_mode():
        assert close(network(inputs)[0], Dinov2Model.from_pretrained(folder)(inputs).pooler_output)


def dinov2s_own_positions(positions: torch.Tensor) -> torch.Tensor:
    """For 224 pixels, by interpolate_pos_encoding of facebookresearch/dinov2's vision_transformer.py: 16.1 / 37."""
    trained = math.sqrt(positions.shape[1] - 1)
    size = 224 // 14 + 0.1
    patches = F.interpolate(
        positions[:, 1:].reshape(1, int(trained), int(trained), -1).permute(0, 3, 1, 2),
        scale_factor=(float(size / trained), float(size / trained)),
        mode="bicubic",
    )
    return torch.cat((positions[:, 0].unsqueeze(0), patches.permute(0, 2, 3, 1).reshape(1, 256, -1)), dim=1)


def test_positions_are_resampled_as_dinov2s_own_code_does_it_and_not_as_transformers_does(dino) -> None:
    plain = Dinov2Model.from_pretrained(dino)
    positions = plain.embeddings.position_embeddings.detach()
    found = resampled_positions(positions, 16)
    assert torch.allclose(found, dinov2s_own_positions(positions), atol=1e-6)
    with torch.inference_mode():
        theirs = plain.embeddings.interpolate_pos_encoding(torch.zeros(1, 257, 32), 224, 224)
    assert (found - theirs).abs().max() > 1e-2


class TorchHubs(nn.Module):
    """What torch.hub gives torch-fidelity: DINOv2 whose answer is the class token behind the last norm."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.model = Dinov2Model.from_pretrained(folder)
        embeddings = self.model.embeddings
        embeddings.position_embeddings = nn.Parameter(dinov2s_own_positions(embeddings.position_embeddings.detach()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x).pooler_output


class Tensors(torch.utils.data.Dataset):
    def __init__(self, pictures: np.ndarray) -> None:
        self.pictures = channels_first(pictures)

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.pictures[index]


@pytest.mark.parametrize("network", [DINO_S, CLIP_B])
def test_every_metric_on_dinov2_and_clip_is_torch_fidelitys_end_to_end(dino, clip, pair, network) -> None:
    import torch_fidelity
    from torch_fidelity.feature_extractor_base import FeatureExtractorBase
    from torch_fidelity.feature_extractor_clip import FeatureExtractorCLIP, build_model
    from torch_fidelity.feature_extractor_dinov2 import FeatureExtractorDinoV2

    is_clip = network == CLIP_B
    base = FeatureExtractorCLIP if is_clip else FeatureExtractorDinoV2

    class Theirs(base):  # their resize, normalisation and network; they themselves take weights from the web alone
        def __init__(self, name, features_list, **kwargs) -> None:
            FeatureExtractorBase.__init__(self, name, features_list)
            self.feature_extractor_internal_dtype = torch.float32
            if is_clip:
                self.model = build_model(openais_names(CLIPModel.from_pretrained(clip)), torch.float32)
                self.resolution = self.model.visual.input_resolution
            else:
                self.model = TorchHubs(dino)
            self.requires_grad_(False)
            self.eval()

    name = "tiny-clip" if is_clip else "tiny-dinov2"
    torch_fidelity.register_feature_extractor(name, Theirs)
    theirs = torch_fidelity.calculate_metrics(
        input1=Tensors(pair[0]),
        input2=Tensors(pair[1]),
        feature_extractor=name,
        cuda=False,
        batch_size=8,
        fid=True,
        kid=True,
        kid_subsets=10,
        kid_subset_size=9,
        prc=True,
        cache=False,
        verbose=False,
    )
    opened = load_vision_transformer(clip if is_clip else dino, network, "torch-fidelity")
    first, second = (extract_features(as_set(part), opened, Preparation("torch-fidelity")) for part in pair)
    with torch.inference_mode():
        (features,) = Theirs(name, ["clip" if is_clip else "dinov2"])(channels_first(pair[0]))
    assert close(first.features, features)
    assert measure_fid(first, second).figures["fid"] == pytest.approx(theirs["frechet_inception_distance"], rel=2e-4)
    kid = measure_kid(first, second, subsets=10, subset_size=9).figures
    assert kid["kid"] == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-5, abs=1e-5)
    shares = measure_precision_recall(first, second).figures
    assert abs(shares["precision"] - theirs["precision"]) * COUNT < 1.5
    assert abs(shares["recall"] - theirs["recall"]) * COUNT < 1.5
    assert measure_diversity(first).settings["network"] == VISION_NETWORKS[network].key


def test_batches_side_by_side_on_several_cores_give_the_same(dino, pair) -> None:
    network = load_vision_transformer(dino, DINO_S, "transformers")
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 4):
            torch.set_num_threads(threads)
            features = extract_features(as_set(pair[0]), network, Preparation("transformers"), batch=1)
            found.append(features.features)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(*found)


def test_dgm_evals_resize_is_pils_and_clean_fids_is_clean_fids() -> None:
    from cleanfid.resize import build_resizer

    picture = crops(1, 70)[0]
    squeezed = Image.fromarray(picture).resize((224, 224), Image.Resampling.BICUBIC)
    found = resized_to(torch.from_numpy(picture[None]), "dgm_eval", 224)[0]
    assert torch.equal(found, channels_first(np.asarray(squeezed)[None].copy())[0].float())
    clean = resized_to(torch.from_numpy(picture[None]), "clean-fid", 299)[0].permute(1, 2, 0).numpy()
    assert np.abs(clean - build_resizer("clean")(picture)).max() < 1e-3


def test_different_networks_conventions_and_weights_do_not_compare(dino, clip, pair, tmp_path: Path) -> None:
    data = as_set(pair[0])
    features = {
        convention: extract_features(data, load_vision_transformer(dino, DINO_S, convention), Preparation(convention))
        for convention in ("dgm_eval", "torch-fidelity")
    }
    of_clip = extract_features(data, load_vision_transformer(clip, CLIP_B, "dgm_eval"), Preparation("dgm_eval"))
    other = load_vision_transformer(write_dino(tmp_path / "other", seed=1), DINO_S, "dgm_eval")
    of_other = extract_features(data, other, Preparation("dgm_eval"))
    for measure in (measure_fid, measure_kid, measure_precision_recall):
        with pytest.raises(ValueError, match="network dinov2-vit-s-14 / clip-vit-b-32"):
            measure(features["dgm_eval"], of_clip)
        with pytest.raises(ValueError, match="convention dgm_eval / torch-fidelity"):
            measure(features["dgm_eval"], features["torch-fidelity"])
        with pytest.raises(ValueError, match="weights_sha256"):
            measure(features["dgm_eval"], of_other)
    with pytest.raises(ValueError, match="names no classes; expected those of an Inception network"):
        measure_inception_score(of_clip)
    with pytest.raises(ValueError, match="expected CLIP's"):
        measure_cmmd(features["dgm_eval"], features["dgm_eval"])
    said = measure_fid(of_clip, of_clip).warnings
    assert any("the network has 24 features and clip-vit-b-32 has 512" in line for line in said)


def test_a_network_of_the_same_width_for_smaller_pictures_is_said(clip, pair) -> None:
    """CLIP ViT-L/14 and its 336-pixel twin both have 768 features; sizes by their published config.json."""
    large, twin = (VISION_NETWORKS[name] for name in ("CLIP ViT-L/14", CLIP_336))
    assert large.width == twin.width
    assert shape_warnings(twin.key, 768, (336, 14)) == shape_warnings(large.key, 768, (224, 14)) == ()
    (said,) = shape_warnings(twin.key, 768, (224, 14))
    assert "made for 224 pixels in patches of 14 and clip-vit-l-14-336 for 336 pixels in patches of 14" in said
    network = load_vision_transformer(clip, CLIP_B, "dgm_eval")
    (warning,) = extract_features(as_set(pair[0][:2]), network, Preparation("dgm_eval")).warnings()
    assert "made for 32 pixels in patches of 8 and clip-vit-b-32 for 224 pixels in patches of 32" in warning


def test_statistics_of_any_network_are_saved_and_loaded_and_of_another_width_refused(dino, pair, tmp_path) -> None:
    network = load_vision_transformer(dino, DINO_S, "dgm_eval")
    features = extract_features(as_set(pair[0]), network, Preparation("dgm_eval"))
    save_statistics(tmp_path / "s.npz", statistics_of(features))
    again = load_statistics(tmp_path / "s.npz", network="whatever", width=2048, preparation=Preparation())
    assert (again.network, again.preparation) == ("dinov2-vit-s-14", Preparation("dgm_eval"))
    assert measure_fid(features, again).figures["fid"] == pytest.approx(0, abs=1e-6)
    np.savez(tmp_path / "theirs.npz", mu=np.zeros(384), sigma=np.eye(384))
    theirs = load_statistics(
        tmp_path / "theirs.npz", network="dinov2-vit-s-14", width=384, preparation=Preparation("dgm_eval")
    )
    with pytest.raises(ValueError, match="features 32 / 384"):
        measure_fid(features, theirs)
    with pytest.raises(ValueError, match=r"mu has the shape \(384,\).*expected numbers of \(768,\)"):
        load_statistics(tmp_path / "theirs.npz", width=768, preparation=Preparation())


def test_a_folder_that_holds_something_else_is_refused_by_name(dino, clip, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"convention is thesis.*expected one of: torch-fidelity, clean-fid, dgm_eval"):
        load_vision_transformer(dino, DINO_S, "thesis")
    with pytest.raises(
        ValueError, match=r"a model of the type 'clip'; expected DINOv2 ViT-S/14.*facebook/dinov2-small"
    ):
        load_vision_transformer(clip, DINO_S, "dgm_eval")
    with pytest.raises(ValueError, match=r"config\.json cannot be read"):
        load_vision_transformer(tmp_path, DINO_S, "dgm_eval")
    half = tmp_path / "half"
    half.mkdir()
    (half / "config.json").write_bytes((dino / "config.json").read_bytes())
    with pytest.raises(ValueError, match="holds no weights"):
        load_vision_transformer(half, DINO_S, "dgm_eval")
    (half / "model.safetensors").write_bytes((dino / "model.safetensors").read_bytes()[:-100])
    with pytest.raises(ValueError, match="cannot be read as weights"):
        load_vision_transformer(half, DINO_S, "dgm_eval")
    from safetensors.torch import load_file, save_file

    state = load_file(dino / "model.safetensors")
    del state["layernorm.weight"]
    save_file(state, half / "model.safetensors")
    with pytest.raises(ValueError, match=r"lacks 1 weights, the first layernorm\.weight"):
        load_vision_transformer(half, DINO_S, "dgm_eval")
    (half / "model.safetensors").unlink()
    torch.save(load_file(dino / "model.safetensors"), half / "pytorch_model.bin")
    older, newer = (load_vision_transformer(folder, DINO_S, "dgm_eval") for folder in (half, dino))
    inputs = newer.prepare(torch.from_numpy(crops(1)), "dgm_eval")
    with torch.inference_mode():
        assert torch.equal(older(inputs)[0], newer(inputs)[0])


def test_a_network_is_found_where_it_lies_and_asked_for_where_not(dino, tmp_path: Path) -> None:
    assert find_vision_folder(DINO_S, [tmp_path, dino]) == dino
    with pytest.raises(FileNotFoundError, match=r"expected the folder dinov2-small .*huggingface\.co/facebook"):
        find_vision_folder(DINO_S, [tmp_path / "dinov2-small"])


def test_cmmd_is_scikit_learns_rbf_kernel(pair, clip) -> None:
    from sklearn.metrics.pairwise import rbf_kernel

    def by_sklearn(x: np.ndarray, y: np.ndarray) -> float:
        kernel = [rbf_kernel(a, b, gamma=1 / 200).mean() for a, b in ((x, x), (y, y), (x, y))]  # 1 / (2 sigma^2)
        return kernel[0] + kernel[1] - 2 * kernel[2]

    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(1500, 24)) * 4, draw.normal(size=(900, 24)) * 4 + 1
    assert squared_mmd(x, y, 10.0) == pytest.approx(by_sklearn(x, y), abs=1e-9)
    network = load_vision_transformer(clip, CLIP_B, "dgm_eval")
    first, second = (extract_features(as_set(part), network, Preparation("dgm_eval")) for part in pair)
    units = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in (first.features.astype(np.float64),)]
    units += [side / np.linalg.norm(side, axis=1, keepdims=True) for side in (second.features.astype(np.float64),)]
    found = measure_cmmd(first, second)
    assert found.figures["cmmd"] == pytest.approx(1000 * by_sklearn(*units), abs=1e-6)
    assert measure_cmmd(first, first).figures["cmmd"] == pytest.approx(0, abs=1e-9)
    assert any(f"published CMMDs are of {CLIP_336}" in line for line in found.warnings)


def test_cmmd_by_hand() -> None:
    # two points 10 apart and sigma 10: k = exp(-1/2) within x, and y is the point between: exp(-1/8)
    within = (2 + 2 * math.exp(-0.5)) / 4
    assert squared_mmd(np.array([[0.0], [10.0]]), np.array([[5.0]]), 10.0) == pytest.approx(
        within + 1 - 2 * math.exp(-0.125)
    )


class Compatible:
    """CLIP as torchmetrics 1.9 wants it: transformers 5 wraps what the two functions return."""

    def __init__(self, folder: Path) -> None:
        self.model = CLIPModel.from_pretrained(folder)
        self.config = self.model.config

    def to(self, device: object) -> Compatible:
        return self

    def get_image_features(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.model.get_image_features(*inputs).pooler_output

    def get_text_features(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.model.get_text_features(*inputs).pooler_output


def test_the_clip_score_is_torchmetrics(clip, pair) -> None:
    from torchmetrics.functional.multimodal import clip_score as theirs
    from transformers import CLIPProcessor, CLIPTokenizer

    prompts = [f"a photo of a {'cat' if i % 2 == 0 else 'ship'} {'abc'[i % 3]}" for i in range(COUNT)]
    processor = CLIPProcessor(
        CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
        CLIPTokenizer.from_pretrained(clip),
    )
    network = load_vision_transformer(clip, CLIP_B, "transformers")
    for pictures in pair:
        features = extract_features(as_set(pictures), network, Preparation("transformers"))
        texts, cut = text_features(network, prompts)
        found = measure_clip_score(features, texts, cut)
        for members, score in (
            (range(COUNT), found.figures["clip_score"]),
            (range(0, COUNT, 2), found.figures["per_class"]["cat"]["clip_score"]),
            (range(1, COUNT, 2), found.figures["per_class"]["ship"]["clip_score"]),
        ):
            with torch.inference_mode():
                expected = theirs(
                    [channels_first(pictures)[i] for i in members],
                    [prompts[i] for i in members],
                    lambda: (Compatible(clip), processor),
                )
            assert score == pytest.approx(float(expected), abs=1e-3)
        assert cut == 0
        assert found.figures["per_class"]["cat"]["count"] == COUNT // 2


def test_a_prompt_that_clip_does_not_read_to_its_end_is_said(clip, pair) -> None:
    network = load_vision_transformer(clip, CLIP_B, "transformers")
    features = extract_features(as_set(pair[0][:2]), network, Preparation("transformers"))
    texts, cut = text_features(network, ["a" * (TEXT_LENGTH + 5), "a b"])
    assert cut == 1
    assert "1 of 2 prompts are longer than CLIP reads" in measure_clip_score(features, texts, cut).warnings[0]


def test_a_clip_score_is_never_below_zero() -> None:
    features = made_up(np.array([[1.0, 0.0]]))
    assert measure_clip_score(features, torch.tensor([[-1.0, 0.0]]), 0).figures["clip_score"] == 0


@pytest.mark.parametrize("lacks", [["vocab.json", "merges.txt", "tokenizer.json"], ["tokenizer.json", "vocab.json"]])
def test_a_clip_without_its_vocabulary_has_features_and_no_score(clip, pair, tmp_path: Path, lacks) -> None:
    """transformers makes up a vocabulary of its own two marks where the files lack: any prompt is like any other."""
    folder = Path(shutil.copytree(clip, tmp_path / "clip"))
    for name in lacks:
        (folder / name).unlink(missing_ok=True)
    network = load_vision_transformer(folder, CLIP_B, "transformers")
    assert extract_features(as_set(pair[0][:1]), network, Preparation("transformers")).features.shape == (1, 24)
    with pytest.raises(ValueError, match=r"has no tokenizer.*expected vocab\.json and merges\.txt.*huggingface\.co"):
        text_features(network, ["a photo of a cat"])


def test_texts_are_read_in_full_precision_whatever_another_pack_has_set(clip) -> None:
    network = load_vision_transformer(clip, CLIP_B, "transformers")
    seen = []
    network.model.text_projection.register_forward_hook(
        lambda *_: seen.append((torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32))
    )
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        text_features(network, ["a cat"])
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
    assert seen == [(False, False)]
