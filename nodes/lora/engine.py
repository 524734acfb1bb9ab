"""The training of a LoRA in the running ComfyUI.

Everything that autograd touches is made outside inference mode; VAE and text encoder run inside it, as always.
Writes output/hyponet/lora_training/<name> while a training is not finished, then
models/loras/<name>.safetensors and a result file.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...evaluation.files import delete_file
from ...evaluation.lock import only_writer
from ...evaluation.pictures.decode import decode
from ...evaluation.pictures.labelled_images import LabelledImages
from ...evaluation.pictures.pixels import count_shared, overlap_text, pixel_digest
from ...evaluation.pictures.tensors import to_uint8
from ...evaluation.progress import Progress
from ...evaluation.results import Measurement, Result, write_again, write_result
from ...evaluation.training.state import Diverged
from ..engine import NodeBar, last_line, progress_bar, progress_text, throw_if_interrupted
from ..live_picture import LivePicture
from ..paths import results_dir
from . import lora_file, trained_folders
from . import progress as progress_of
from .buckets import Fit, fit, steps_per_epoch
from .captions import CaptionedPicture, folder_fingerprint, read_folder
from .curve import loss_curve
from .denoiser import loss_target
from .examples import Example, encode_examples, literal_tokens, weighted_tokens
from .identity import LoraIdentity, identify
from .job import KIND, LoraJob, finished_result, history_of, standing, was_trained
from .paths import lora_path, training_folder
from .samples import Drawing, Samples, below, first_captions, rgb_factors
from .state import LoraState, state_path
from .train import History, adafactor, train
from .unet import Family, check_weights, family_of, key_map, training

logger = logging.getLogger("hyponet")


def training_fingerprint(folder: str | None, name: str | None) -> str | float:
    """Changes when the folder does, or a LoRA that was trained is gone; not by the training itself. Never raises.

    Of a folder that comes through a link, as from Caption Images, it is told by those that were trained on until now;
    of a name that does, it is NaN, which never equals itself.
    """
    if not isinstance(name, str):
        return float("nan")
    try:
        linked = not isinstance(folder, str)
        key = str(trained_folders.changes_by_others()) if linked else folder_fingerprint(training_folder(folder))
        is_gone = not lora_path(name).exists() and was_trained(results_dir(), name)
    except (ValueError, OSError):
        return ""
    return f"{key} gone" if is_gone else key


@dataclass(frozen=True, eq=False)
class TrainedLora:
    """What LoRA Training gives: its result, the loss curve, and what was drawn after each epoch, uint8 [H,W,3] each."""

    result: Result
    curve: np.ndarray
    samples: np.ndarray | None


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
) -> TrainedLora:
    """Train, write the file and the result.

    A training that the file already holds is not repeated, and nothing is drawn; one that was stopped goes on, to the
    same bits.

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
    check_weights(model)
    target = loss_target(settings, family.prediction)
    pictures = read_folder(job.folder)
    trained_folders.note(job.folder)
    sizes = settings.bucket_sizes()
    fits = [fit(picture.width, picture.height, sizes) for picture in pictures]
    identity = identify(model, clip, vae, pictures, settings, family.prediction, family.schedule)
    samples: Samples | None = None
    with last_line(node_id, lambda: standing(job, identity)):
        finished = finished_result(job, identity)
        if finished is None:
            encode_captions = weighted_tokens if settings.weighted_captions else literal_tokens
            with only_writer(job.file, f"the LoRA {job.file.name!r}"):
                finished = finished_result(job, identity)  # by whoever had the lock until now
                if finished is None:
                    progress_text(f"encoding {len(pictures):,} pictures", node_id)
                    bar = progress_bar(len(pictures))
                    examples = encode_examples(model, clip, vae, pictures, fits, encode_captions, bar)
                    samples = _samples(model, clip, vae, pictures, fits, encode_captions, job)
                    finished = _trained(model, examples, fits, job, family, identity, target, node_id, samples)
        if test_images is not None:  # a result on disk is of another run, which may have counted another set
            finished = _with_overlap(finished, job, test_images)
    drawn = None
    if samples is not None and samples.latents:
        captions = [pictures[index].caption for index in samples.pictures]
        drawn = samples.sheet(lambda latent: _decoded(model, vae, latent), captions)
    return TrainedLora(finished, loss_curve(history_of(finished), job.name, target), drawn)


def _samples(
    model: Any,
    clip: Any,
    vae: Any,
    pictures: Sequence[CaptionedPicture],
    fits: Sequence[Fit],
    tokenize: Callable[[Any, str], Any],
    job: LoraJob,
) -> Samples | None:
    """What is to be drawn after each epoch; None for nothing."""
    if not job.sample_count:
        return None
    chosen = first_captions([picture.caption for picture in pictures], job.sample_count)
    blank = [replace(pictures[index], caption="") for index in chosen]
    blanks = encode_examples(
        model, clip, vae, blank, [fits[index] for index in chosen], tokenize, progress_bar(len(chosen))
    )
    return Samples(chosen, blanks, job.settings.seed, throw_if_interrupted)


def _decoded(model: Any, vae: Any, latent: torch.Tensor) -> np.ndarray:
    """A latent [1,C,h,w] of the UNet as a picture, uint8 [H,W,3]."""
    return to_uint8(vae.decode(model.model.process_latent_out(latent))[0])


def _trained(
    model: Any,
    examples: Sequence[Example],
    fits: Sequence[Fit],
    job: LoraJob,
    family: Family,
    identity: LoraIdentity,
    target: str,
    node_id: str | None,
    samples: Samples | None,
) -> Result:
    """Train, write file and result, and delete what was kept to go on from."""
    unfinished = state_path(job.unfinished, identity.to_json())
    description = _description(job, family, identity, fits)
    bucket_sizes = [fit.size for fit in fits]
    history = _train(model, examples, bucket_sizes, job, description, target, unfinished, node_id, samples)
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
    node_id: str | None,
    samples: Samples | None,
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
        drawing = None if samples is None else Drawing(samples, denoiser, rgb_factors(model))
        try:
            history = train(
                denoiser,
                state,
                sizes,
                job.settings,
                save=lambda: _try_to_save(state, unfinished),
                progress=_show_progress(state, job, target, description.total_steps, node_id, drawing),
            )
        except Diverged:  # going on from there could only fail again
            delete_file(unfinished)
            raise
        names = lora_file.kohya_names(key_map(model), list(layers), description.family)
        lora_file.write(job.file, lora_file.file_bytes(lora_file.tensors_of(layers, names), description.metadata()))
    return history


def _show_progress(
    state: LoraState, job: LoraJob, target: str, steps: int, node_id: str | None, drawing: Drawing | None
) -> Progress:
    """A progress that moves the node's bar, writes into the node where the training stands, and draws its losses.

    After each epoch it has `drawing` draw as well.
    """
    bar, live = NodeBar(steps), LivePicture()
    epochs = job.settings.epochs

    def progress(step: int, total: int) -> None:
        epoch_steps = total // epochs
        progress_text(progress_of.standing(state, epoch_steps, epochs), node_id)
        has_drawn = drawing is not None and step % epoch_steps == 0
        if drawing is not None and has_drawn:
            progress_text(f"epoch {step // epoch_steps}/{epochs} is done; drawing with it", node_id)
            drawing.draw(step // epoch_steps)

        def picture() -> np.ndarray:
            curve = loss_curve(progress_of.so_far(state, epoch_steps), job.name, target)
            return curve if drawing is None else below(curve, drawing.looks)

        bar(step, total, live.draw(picture, last=has_drawn or step == total))

    return progress


def _try_to_save(state: LoraState, path: Path) -> None:
    """Save the state; a full disk costs a stopped training its work, not a running one."""
    try:
        state.save(path)
    except (OSError, RuntimeError) as error:  # torch names a full disk a RuntimeError
        logger.warning("%s cannot be kept (%s); what came since is lost if the training stops", path, error)
