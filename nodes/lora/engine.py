"""What the LoRA room does in the running ComfyUI: captions by a model on the device, and the training of a LoRA.

Everything that autograd touches is made outside inference mode; VAE and text encoder run inside it, as always.
Writes folders of captioned pictures, output/hyponet/lora_training/<name> while a training is not finished, then
models/loras/<name>.safetensors and a result file.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import comfy.model_management
import numpy as np
import torch

from ...evaluation.files import delete_file
from ...evaluation.lock import only_writer
from ...evaluation.pictures.decode import decode
from ...evaluation.pictures.labelled_images import LabelledImages
from ...evaluation.pictures.pixels import count_shared, overlap_text, pixel_digest
from ...evaluation.pictures.tensors import check_pixels, to_uint8
from ...evaluation.results import Measurement, Result, read_results, write_again, write_result
from ...evaluation.training.state import Diverged
from ..engine import last_line, progress_bar
from ..paths import results_dir
from . import lora_file
from .blip import blip_captioner
from .buckets import Fit, fit, steps_per_epoch
from .captions import Captioner, edits_fingerprint, folder_fingerprint, read_folder, template_captioner, write_folder
from .curve import loss_curve
from .denoiser import EPSILON, V
from .examples import Example, encode_examples, literal_tokens, weighted_tokens
from .identity import LoraIdentity, identify
from .paths import blip_folder, captions_dir, lora_path, training_folder
from .settings import LoraSettings
from .state import LoraState, state_path
from .train import History, adafactor, train
from .unet import Family, family_of, key_map, training

KIND = "lora_training"
CAPTIONERS = ("template", "BLIP")
_BLIP_BYTES = 3 * 2**30  # the large model in fp32 (1.9 GB) and a batch of pictures
logger = logging.getLogger("hyponet")


@dataclass(frozen=True)
class Captioning:
    """How Caption Images describes a picture.

    Args:
        captioner: one of CAPTIONERS.
        template: for "template".
        blip_model: for "BLIP": a folder below models/captioners, or a name in the Hugging Face cache.
    """

    captioner: str
    template: str
    blip_model: str

    def name(self) -> str:
        """What is noted beside each caption: another one captions anew."""
        return f"BLIP {self.blip_model}" if self.captioner == "BLIP" else f"template {self.template}"


def caption_images(
    images: Sequence[torch.Tensor], labels: Sequence[str], name: str, captioning: Captioning
) -> list[str]:
    """Write pictures and captions to output/hyponet/lora/<name>; the captions that lie there then.

    Args:
        images: IMAGEs [B,H,W,C], of any sizes.
        labels: one a picture, or one for all.

    Raises:
        ValueError: see `captions.write_folder` and `paths`.
    """
    folder = captions_dir(name)
    for batch in images:
        check_pixels(batch)
    pictures = [to_uint8(picture) for batch in images for picture in batch]
    if len(labels) == 1:
        labels = list(labels) * len(pictures)
    captioner = _captioner(captioning)
    return write_folder(folder, pictures, labels, captioner, captioning.name(), progress=progress_bar(len(pictures)))


def _captioner(captioning: Captioning) -> Captioner:
    if captioning.captioner != "BLIP":
        return template_captioner(captioning.template)
    folder = blip_folder(captioning.blip_model)
    device = comfy.model_management.get_torch_device()
    comfy.model_management.free_memory(_BLIP_BYTES, device)  # ComfyUI makes room for its own models only
    return blip_captioner(folder, str(device))


def captions_fingerprint(name: Any) -> str:
    """Changes when somebody edits a caption of the folder, not when the node itself writes one. Never raises."""
    try:
        return edits_fingerprint(captions_dir(name[0]))
    except (ValueError, OSError, TypeError, IndexError):
        return ""


def training_fingerprint(folder: Any, name: Any) -> str:
    """Changes when the folder does, or a LoRA that was trained is gone; not by the training itself. Never raises."""
    try:
        key = folder_fingerprint(training_folder(folder)) if folder is not None else ""
        is_gone = name is not None and not lora_path(name).exists() and was_trained(results_dir(), name)
    except (ValueError, OSError):
        return ""
    return f"{key} gone" if is_gone else key


@dataclass(frozen=True)
class LoraJob:
    """One training: from a folder of captioned pictures to a file of the given name, and a result.

    Args:
        folder: of the pictures.
        file: the LoRA; there when it is finished.
        settings: see LoraSettings.
        results: the folder of all results.
        unfinished: the folder of what a stopped training goes on from.
    """

    name: str
    folder: Path
    file: Path
    settings: LoraSettings
    results: Path
    unfinished: Path


def shared_with(job: LoraJob, test_images: LabelledImages) -> int:
    """How many pictures of a test set the LoRA is trained on, pixel by pixel."""
    pictures = read_folder(job.folder)
    pixels = [pixel_digest(decode(picture.path, picture.name)) for picture in pictures]
    return count_shared(test_images.pixel_digests(progress_bar(len(test_images))), np.array(pixels, np.uint64))


def train_lora(
    model: Any,
    clip: Any,
    vae: Any,
    job: LoraJob,
    test_images: LabelledImages | None = None,
    node_id: str | None = None,
) -> tuple[Result, np.ndarray]:
    """Train, write the file and the result; return the result with the loss curve, uint8 [H,W,3].

    A training that the file already holds is not repeated; one that was stopped goes on, to the same bits.

    Args:
        test_images: a set that has to hold none of its pictures; those that it does are counted in the result.
        node_id: of the node below which `standing` is shown in the end.

    Raises:
        ValueError: the folder, the model or the settings do not serve; nothing is written then.
        Diverged: a number is not finite any more; nothing is kept.
        AnotherWriter: another process is training to that file.
    """
    settings = job.settings
    family = family_of(model)
    target = _target(family, settings)
    pictures = read_folder(job.folder)
    sizes = settings.bucket_sizes()
    fits = [fit(picture.width, picture.height, sizes) for picture in pictures]
    identity = identify(model, clip, vae, pictures, settings, family.prediction, family.schedule)
    with last_line(node_id, lambda: standing(job, identity)):
        finished = _finished_result(job, identity)
        if finished is None:
            encode_captions = weighted_tokens if settings.weighted_captions else literal_tokens
            with only_writer(job.file, f"the LoRA {job.file.name!r}"):
                finished = _finished_result(job, identity)  # by whoever had the lock until now
                if finished is None:
                    bar = progress_bar(len(pictures))
                    examples = encode_examples(model, clip, vae, pictures, fits, encode_captions, bar)
                    finished = _trained(model, examples, fits, job, family, identity, target)
        if test_images is not None:  # a result on disk is of another run, which may have counted another set
            finished = _with_overlap(finished, job, test_images)
    return finished, loss_curve(_history(finished), job.name, target)


def _trained(
    model: Any,
    examples: Sequence[Example],
    fits: Sequence[Fit],
    job: LoraJob,
    family: Family,
    identity: LoraIdentity,
    target: str,
) -> Result:
    """Train, write file and result, and delete what was kept to go on from."""
    unfinished = state_path(job.unfinished, identity.to_json())
    description = _description(job, family, identity, fits)
    history = _train(model, examples, [fit.size for fit in fits], job, description, target, unfinished)
    measurement = Measurement(
        name=job.name,
        kind=KIND,
        figures={**asdict(history), "epoch_losses": history.epoch_losses(), "steps": len(history.losses)},
        inputs={"folder": job.folder.name, "pictures": len(examples), "model": family.name, "file": job.file.name},
        settings={
            **asdict(job.settings),
            "optimizer": "Adafactor",
            "scheduler": "constant",
            "prediction": family.prediction,
            "loss_of": target,
            "identity": identity.to_json(),
        },
        warnings=tuple(history.warnings()),
    )
    result = write_result(job.results, measurement)
    delete_file(unfinished)
    return result


def _with_overlap(result: Result, job: LoraJob, test_images: LabelledImages) -> Result:
    """The result with the test pictures counted that the LoRA is trained on, written over its file."""
    shared = shared_with(job, test_images)
    stated = {**test_images.summary(), "shared": shared}
    text = overlap_text(shared, len(test_images), f"pictures of {test_images.name}", "are among the LoRA's pictures")
    warnings = tuple(warning for warning in result.warnings if "are among the LoRA's pictures" not in warning)
    counted = replace(
        result, inputs={**result.inputs, "test_images": stated}, warnings=(*warnings, text) if text else warnings
    )
    return write_again(counted)


def standing(job: LoraJob, identity: LoraIdentity) -> str:
    """What the disk holds of the training of `identity`, one line.

    Raises:
        ValueError, UnreadableFile: see `lora_file.is_finished`.
    """
    if lora_file.is_finished(job.file, identity.to_json()):
        return f"{job.file.name} is trained"
    is_kept = state_path(job.unfinished, identity.to_json()).exists()
    return "stopped; what was learnt is kept: queue again to resume" if is_kept else "nothing is kept"


def _target(family: Family, settings: LoraSettings) -> str:
    """What the loss compares: what the model says, unless v's loss is asked for in the scale of the noise."""
    if not settings.scale_v_pred_loss_like_noise_pred:
        return family.prediction
    if family.prediction != V:
        raise ValueError(
            "scale_v_pred_loss_like_noise_pred is on, and the model predicts the noise; expected a v-prediction model; "
            "switch it off"
        )
    return EPSILON  # e' - e = alpha (v' - v): the error of v times alpha^2, as kohya's option of that name


def _description(
    job: LoraJob, family: Family, identity: LoraIdentity, fits: Sequence[Fit]
) -> lora_file.LoraDescription:
    sizes = [fit.size for fit in fits]
    return lora_file.LoraDescription(
        job.settings,
        family.name,
        family.prediction,
        family.has_zero_snr,
        job.file.stem,
        identity.to_json(),
        total_steps=steps_per_epoch(sizes, job.settings.batch_size) * job.settings.epochs,
        buckets=dict(sorted(Counter(sizes).items())),
    )


def _train(
    model: Any,
    examples: Sequence[Example],
    sizes: Sequence[tuple[int, int]],
    job: LoraJob,
    description: lora_file.LoraDescription,
    target: str,
    unfinished: Path,
) -> History:
    logger.info(
        "training %s: %d pictures in buckets %s, %d steps",
        job.file.name,
        len(examples),
        description.buckets,
        description.total_steps,
    )
    with torch.inference_mode(False):
        generator = torch.Generator().manual_seed(job.settings.seed)
    with training(model, examples, job.settings, generator, target) as (denoiser, layers):
        parameters = [parameter for layer in layers.values() for parameter in layer.parameters()]
        state = LoraState(layers, adafactor(parameters, job.settings.learning_rate), generator)
        if state.restore(unfinished):
            logger.info("training %s goes on at step %d", job.file.name, state.step)
        try:
            history = train(
                denoiser,
                state,
                sizes,
                job.settings,
                save=lambda: _try_to_save(state, unfinished),
                progress=progress_bar(description.total_steps),
            )
        except Diverged:  # going on from there could only fail again
            delete_file(unfinished)
            raise
        names = lora_file.kohya_names(key_map(model), list(layers), description.family)
        lora_file.write(job.file, lora_file.file_bytes(lora_file.tensors_of(layers, names), description.metadata()))
    return history


def _try_to_save(state: LoraState, path: Path) -> None:
    """Save the state; a full disk costs a stopped training its work, not a running one."""
    try:
        state.save(path)
    except (OSError, RuntimeError) as error:  # torch names a full disk a RuntimeError
        logger.warning("%s cannot be kept (%s); what came since is lost if the training stops", path, error)


def was_trained(results: Path, name: str) -> bool:
    """Whether a finished training has left its result under this name."""
    return any((results / name).glob(f"*-{KIND}-*.json"))


def _finished_result(job: LoraJob, identity: LoraIdentity) -> Result | None:
    """The last result of the same training, where the file holds it; None where somebody deleted one or the other.

    Raises:
        ValueError, UnreadableFile: see `lora_file.is_finished`.
    """
    if not lora_file.is_finished(job.file, identity.to_json()):
        return None
    results = [
        result
        for result in read_results(job.results / job.name)
        if result.kind == KIND and result.settings.get("identity") == identity.to_json()
    ]
    if results:
        logger.info("%s is trained with these settings already", job.file.name)
    return results[-1] if results else None


def _history(result: Result) -> History:
    """The history in a result file; a hole in it is a gap of the curve."""

    def number(value: Any) -> float:
        return math.nan if value is None else float(value)

    values = result.figures
    return History(
        tuple(number(loss) for loss in values["losses"]),
        values["steps_per_epoch"],
        number(values["loss_before"]),
        number(values["loss_after"]),
        number(values["seconds_per_step"]),
    )
