"""Training a classifier: one linear loop over pictures that lie in memory as uint8.

Reads: LabelledImages. Writes into the run's folder: last.safetensors, best.safetensors (with a held-out part), and
state.pt while the run is unfinished, from which it resumes, on a CPU to the bit, as if it had never stopped.

Every random choice is a pure function of (seed, epoch): the first weights, the order of the pictures, flips and shifts.
So the state is weights, optimizer and a step number, and a run can stop between any two steps.
"""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ..files import delete_file, file_sha256
from ..lock import only_writer
from ..pictures.labelled_images import LabelledImages
from ..progress import Progress
from .augment import epoch_plan, gather
from .checkpoint import Checkpoint, CheckpointProvenance, is_checkpoint, load_checkpoint, mark_complete, save_checkpoint
from .malloc import keep_freed_memory
from .model import build, copy_all, freeze_batch_norm, start_from_imagenet
from .optimizer import build_optimizer, give_gradients
from .predict import probabilities
from .progress import Callback, TrainingReporter
from .settings import Settings
from .state import Diverged, TrainState
from .training_data import TrainingData, prepare_data
from .training_figures import EpochFigures

logger = logging.getLogger("hyponet")

STATE = "state.pt"
LAST = "last.safetensors"
BEST = "best.safetensors"
SAVE_SECONDS = 60.0  # how much work a killed process can lose


@dataclass(frozen=True)
class Trained:
    """A finished run.

    Args:
        last: the checkpoint of the last epoch (the thesis's choice).
        best: that of the best epoch on the held-out part, or None without one.
        history: figures of each epoch.
        seconds: spent in this call; 0 where the finished run was on disk already. Those of all calls are in
            last.provenance.seconds.
    """

    last: Checkpoint
    best: Checkpoint | None
    history: tuple[EpochFigures, ...]
    seconds: float


def weights_key(path: Path | None) -> str:
    """The SHA-256 of a file of first weights, for Settings.weights_key; empty for None."""
    return "" if path is None else file_sha256(path)


def folder_name(data: LabelledImages, settings: Settings) -> str:
    """The folder of a run: its architecture, size and seed for people, and its identity."""
    identity = settings.identity(data.content_key)
    return f"{settings.architecture}-{settings.size}px-seed{settings.seed}-{identity[:10]}"


def train(
    data: LabelledImages,
    settings: Settings,
    folder: Path,
    *,
    device: torch.device | None = None,
    weights: Path | None = None,
    callback: Callback | None = None,
    progress: Progress | None = None,
) -> Trained:
    """The run of `settings` on `data`: finished already in `folder`, resumed there, or started.

    Args:
        data: the training pictures.
        settings: the run; see Settings.
        folder: the run's own folder (see folder_name).
        device: where to compute; the CPU by default.
        weights: torchvision's ImageNet weights; settings.weights_key must be their weights_key().
        callback: hears where the run stands; what it raises stops the run after the state and a checkpoint are written.
        progress: of the downsampling before it, as (done, total).

    Raises:
        ValueError: settings and data do not go together, or state.pt is corrupt.
        AnotherWriter: another process is at this run.
        state.Diverged: the loss is not a number any more. No last checkpoint is written and no state is left; the best
            held-out one so far stays.
    """
    # ComfyUI runs nodes under inference_mode, whose tensors cannot take part in autograd
    with torch.inference_mode(False), torch.enable_grad():
        identity = settings.identity(data.content_key)
        trained = finished(folder, identity)
        if trained is not None:
            logger.info("training run %s was finished before", folder.name)
            return trained
        device = device or torch.device("cpu")
        if settings.weights_key != weights_key(weights):
            raise ValueError("settings.weights_key is not that of the given weights; expected weights_key(weights)")
        with only_writer(folder, f"the training run {folder.name!r}"):
            return _train(data, settings, identity, folder, device, weights, callback, progress)


def _train(
    data: LabelledImages,
    settings: Settings,
    identity: str,
    folder: Path,
    device: torch.device,
    weights: Path | None,
    callback: Callback | None,
    progress: Progress | None,
) -> Trained:
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
        pictures = prepare_data(data, settings, device, progress)
        state = _start(data, settings, identity, device, weights, len(pictures.indices))
        if state.restore(folder / STATE):
            logger.info("training run %s resumes at step %d", folder.name, state.step)
        state.started = time.monotonic()
        keep_freed_memory()
        try:
            _loop(state, pictures, data, folder, callback)
            state.check_weights()
        except Diverged:  # resuming from there could only fail again
            delete_file(folder / STATE)
            raise
        best = mark_complete(folder / BEST) if pictures.held_out is not None else None
        last = _save_checkpoint(folder / LAST, state, pictures, data, complete=True)
        delete_file(folder / STATE)
        return Trained(last, best, tuple(state.history), time.monotonic() - state.started)


def finished(folder: Path, identity: str) -> Trained | None:
    """The run of this identity if `folder` holds it whole, with its best checkpoint where it has one, else None."""
    if not is_checkpoint(folder / LAST):
        return None
    try:
        last = load_checkpoint(folder / LAST)
    except ValueError as error:
        logger.warning("%s; training again", error)
        return None
    if last.provenance.identity != identity or not last.provenance.complete:
        return None
    held_out = last.provenance.settings.held_out
    if held_out and not is_checkpoint(folder / BEST):
        logger.warning("%s is missing or corrupt; training again", folder / BEST)
        return None
    best = load_checkpoint(folder / BEST) if held_out else None
    return Trained(last, best, last.provenance.history, 0.0)


def _start(
    data: LabelledImages,
    settings: Settings,
    identity: str,
    device: torch.device,
    weights: Path | None,
    picture_count: int,
) -> TrainState:
    """The run before its first step."""
    network = build(settings.architecture, len(data.class_names), settings.stem, settings.seed)
    if weights is not None:
        start_from_imagenet(network, weights)
        freeze_batch_norm(network)
    network = network.to(device).to(memory_format=torch.channels_last)
    return TrainState(identity, settings, picture_count, network, build_optimizer(network, settings), device)


def _loop(
    state: TrainState, pictures: TrainingData, data: LabelledImages, folder: Path, callback: Callback | None
) -> None:
    settings, network, optimizer, device = state.settings, state.network, state.optimizer, state.device
    loss_of = nn.CrossEntropyLoss(label_smoothing=settings.label_smoothing)
    reporter = TrainingReporter(state, callback)
    buffers = list(network.buffers())  # batch-norm's statistics: a forward pass cut short has changed some of them
    buffers_after_step = [buffer.clone() for buffer in buffers]
    saved, save_failed = time.monotonic(), False
    between_steps = True
    try:
        while state.epoch < settings.epochs:
            network.train()
            if settings.weights_key:
                freeze_batch_norm(network)
            plan = epoch_plan(state.pictures, settings.size, settings.augmentation, settings.seed, state.epoch)
            plan = plan.within(pictures.indices, len(pictures.images)).to(pictures.images.device)
            for step in range(state.step_in_epoch, state.steps_per_epoch):
                indices = plan.order[step * settings.batch_size : (step + 1) * settings.batch_size]  # (B,)
                labels = pictures.labels[indices].to(device)  # (B,)
                batch = gather(pictures.images, indices, plan).to(device)  # (B, H, W, 3) uint8
                for group in optimizer.param_groups:
                    group["lr"] = settings.rate(state.step, state.steps)
                network.zero_grad(set_to_none=True)
                with autocast(device, settings.precision):
                    logits = network(pictures.preprocessing.inputs(batch))  # (B, 3, H, W) -> (B, classes)
                    loss = loss_of(logits, labels)
                loss.backward()
                between_steps = False
                give_gradients(optimizer, network)
                optimizer.step()
                state.count(loss, logits, labels)
                copy_all(buffers_after_step, buffers)
                between_steps = True
                reporter.report()
                if time.monotonic() - saved > SAVE_SECONDS:
                    save_failed = not _try_to_save(state, folder / STATE, quiet=save_failed)
                    saved = time.monotonic()
            held_out_accuracy = _held_out_accuracy(state, pictures, reporter)
            between_steps = False
            state.close_epoch(held_out_accuracy, settings.rate(state.step - 1, state.steps))
            between_steps = True
            if state.best_epoch == state.epoch:
                state.check_weights()
                _save_checkpoint(folder / BEST, state, pictures, data, complete=False)
            reporter.report(now=True)
    except BaseException as error:
        # ComfyUI's interrupt is an Exception or, from 0.33 on, none; Ctrl-C in plain Python is none, and comes anywhere
        is_interrupt = reporter.stopped or not isinstance(error, Exception)
        if is_interrupt and between_steps:  # but for the statistics of a forward pass cut short
            copy_all(buffers, buffers_after_step)
            state.save(folder / STATE)
            _save_checkpoint(folder / LAST, state, pictures, data, complete=False)
        raise
    finally:
        reporter.close()


def _save_checkpoint(
    path: Path, state: TrainState, pictures: TrainingData, data: LabelledImages, complete: bool
) -> Checkpoint:
    """Save the weights as they are now; a best checkpoint is made complete when its run is."""
    provenance = CheckpointProvenance(
        identity=state.identity,
        kind="best" if path.name == BEST else "last",
        complete=complete,
        seconds=state.spent(),
        epochs_done=state.epoch,
        best_epoch=state.best_epoch,
        held_out_pictures=0 if pictures.held_out is None else len(pictures.held_out),
        held_out_without=pictures.held_out_without,
        settings=state.settings,
        data=data.summary(),
        history=tuple(state.history),
        torch=torch.__version__,
        device=state.device.type,
    )
    return save_checkpoint(
        path, state.network, data.class_names, pictures.preprocessing, provenance, data.pixel_digests()
    )


def _try_to_save(state: TrainState, path: Path, quiet: bool) -> bool:
    """Save the state; whether that worked: a full disk costs a killed process its work, not a running one."""
    try:
        state.save(path)
    except OSError as error:
        if not quiet:
            logger.warning("%s cannot be kept (%s); training goes on, and loses what came since if killed", path, error)
        return False
    return True


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """The context of a forward pass; none for float32, since torch refuses one for devices that it does not know."""
    return nullcontext() if precision == "float32" else torch.autocast(device.type, torch.bfloat16)


def _held_out_accuracy(state: TrainState, pictures: TrainingData, reporter: TrainingReporter) -> float | None:
    if pictures.held_out is None:
        return None
    outputs = probabilities(  # (held out, classes)
        state.network,
        pictures.preprocessing,
        pictures.images,
        state.device,
        lambda _, total: reporter.report(),
        pictures.held_out,
    )
    return float((outputs.argmax(1) == pictures.labels[pictures.held_out].cpu()).double().mean())
