"""Training a classifier: one linear loop over pictures that lie in memory as uint8.

Reads: LabelledImages. Writes into the run's folder: last.safetensors, best.safetensors (with a held-out part), and
state.pt while the run is unfinished, from which it goes on, on a CPU to the bit, as if it had never stopped.

Every random choice is a pure function of (seed, epoch): the first weights, the order of the pictures, flips and shifts.
So the state is weights, optimizer and a step number, and a run can stop between any two steps.
"""

from __future__ import annotations

import hashlib
import logging
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..pictures.cache import resized
from ..pictures.labelled_images import LabelledImages, Progress, split_places
from .augment import draw_epoch, gather
from .model import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Checkpoint,
    Preprocessing,
    add_provenance,
    build,
    freeze_batch_norm,
    is_checkpoint,
    load_checkpoint,
    save_checkpoint,
    start_from_imagenet,
)
from .predict import probabilities
from .settings import Settings
from .state import SAVE_SECONDS, Diverged, EpochRecord, Pulse, Run, Watch

log = logging.getLogger("hyponet")

STATE = "state.pt"
LAST = "last.safetensors"
BEST = "best.safetensors"
GPU_SHARE = 0.25  # of a GPU's free memory that the pictures may take; the network and its batches need the rest
# the largest pictures of which a stem and three stages leave one pixel: over it, oneDNN's bfloat16 gradient of a
# convolution with stride 2 has values that nobody wrote (seen with torch 2.15)
_ONE_PIXEL = {"7x7": 16, "3x3 stride 2": 8}


@dataclass(frozen=True)
class Trained:
    """A finished run.

    Args:
        last: the checkpoint of the last epoch (the thesis's choice).
        best: that of the best epoch on the held-out part, or None without one.
        history: one record an epoch.
        seconds: spent in this call; 0 where the finished run was found on disk. Those of all calls are in
            last.provenance["seconds"].
    """

    last: Checkpoint
    best: Checkpoint | None
    history: tuple[EpochRecord, ...]
    seconds: float


def weights_key(path: Path | None) -> str:
    """A hash of a file of first weights, for Settings.weights_key; empty for None."""
    if path is None:
        return ""
    total = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()


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
    watch: Watch | None = None,
    progress: Progress | None = None,
) -> Trained:
    """The run of `settings` on `data`: found finished in `folder`, gone on with, or started.

    Args:
        data: the training pictures.
        settings: the run; see Settings.
        folder: the run's own folder (see folder_name).
        device: where to compute; the CPU by default.
        weights: torchvision's ImageNet weights; settings.weights_key must be their weights_key().
        watch: hears where the run stands; what it raises stops the run after the state and a checkpoint are written.
        progress: of the downsampling before it, as (done, total).

    Raises:
        ValueError: settings and data do not go together, or state.pt is damaged.
        run.Diverged: the loss is not a number any more. No last checkpoint is written and no state is left; the best
            held-out one so far stays.
    """
    # ComfyUI runs nodes under inference_mode, whose tensors cannot take part in autograd
    with torch.inference_mode(False), torch.enable_grad():
        identity = settings.identity(data.content_key)
        done = finished(folder, identity)
        if done is not None:
            log.info("training run %s was finished before", folder.name)
            return done
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
            job = _prepare(data, settings, folder, identity, device or torch.device("cpu"), weights, progress)
            begun = job.run.begun = time.monotonic()
            keep_freed_memory()
            try:
                _loop(job, watch)
                job.run.check_weights()
            except Diverged:  # going on from there could only fail again
                (folder / STATE).unlink(missing_ok=True)
                raise
            best = add_provenance(folder / BEST, {"complete": True}) if job.held_out is not None else None
            last = job.keep(LAST, complete=True)
            (folder / STATE).unlink(missing_ok=True)
            return Trained(last, best, tuple(job.run.history), time.monotonic() - begun)


def finished(folder: Path, identity: str) -> Trained | None:
    """The run of this identity if `folder` holds it whole, with its best checkpoint where it has one, else None."""
    if not is_checkpoint(folder / LAST):
        return None
    last = load_checkpoint(folder / LAST)
    if last.provenance.get("identity") != identity or not last.provenance.get("complete"):
        return None
    held_out = last.provenance["settings"]["held_out"]
    if held_out and not is_checkpoint(folder / BEST):
        log.warning("%s is missing or damaged; training again", folder / BEST)
        return None
    best = load_checkpoint(folder / BEST) if held_out else None
    history = tuple(EpochRecord(**record) for record in last.provenance["history"])
    return Trained(last, best, history, 0.0)


def keep_freed_memory() -> None:
    """Have glibc keep what a step frees (45 MB of gradients), a fifth of a small step's time on a CPU.

    It gives blocks back to the system, to be faulted in again, up to twice the largest block it has seen freed; it
    counts blocks of up to 32 MiB. Elsewhere this does nothing.
    """
    torch.empty(31 << 20, dtype=torch.uint8)


@dataclass(frozen=True, eq=False)
class _Job:
    """What the loop works on: the whole set as one tensor, and which of its pictures train and are held out.

    Args:
        images, labels: of the whole set, on the training device or, where that is too small for them, on the CPU.
        places: int64, the training pictures' places in them; on the CPU.
        held_out: int64, the held-out pictures' places, on the device of `images`; None without a held-out part.
    """

    data: LabelledImages
    settings: Settings
    folder: Path
    preprocessing: Preprocessing
    images: torch.Tensor
    labels: torch.Tensor
    places: torch.Tensor
    held_out: torch.Tensor | None
    run: Run

    @property
    def steps_per_epoch(self) -> int:
        whole, rest = divmod(len(self.places), self.settings.batch_size)
        return whole + (rest > 1)  # batch-norm of a 1x1 map cannot take a batch of one

    def held_out_without(self) -> list[str]:
        """The classes of which no picture is held out, where a part is: their share rounds to none."""
        if self.held_out is None:
            return []
        counts = self.data.select(self.held_out.cpu().numpy()).counts()
        return [name for name, count in counts.items() if not count]

    def keep(self, name: str, complete: bool) -> Checkpoint:
        """Save the weights as they are now; a best checkpoint is made complete when its run is."""
        settings = self.settings
        provenance = {
            "identity": self.run.identity,
            "kind": "best" if name == BEST else "last",
            "complete": complete,
            "seconds": self.run.spent(),
            "epochs_done": len(self.run.history),
            "best_epoch": self.run.best_epoch,
            "held_out_pictures": 0 if self.held_out is None else len(self.held_out),
            "held_out_without": self.held_out_without(),
            "settings": asdict(settings),
            "data": self.data.summary(),
            "history": [asdict(record) for record in self.run.history],
            "imagenet_classes_leak": bool(settings.weights_key),
            "torch": torch.__version__,
            "device": self.run.device.type,
        }
        return save_checkpoint(
            self.folder / name,
            self.run.network,
            architecture=settings.architecture,
            stem=settings.stem,
            class_names=self.data.class_names,
            preprocessing=self.preprocessing,
            provenance=provenance,
        )


def _prepare(
    data: LabelledImages,
    settings: Settings,
    folder: Path,
    identity: str,
    device: torch.device,
    weights: Path | None,
    progress: Progress | None,
) -> _Job:
    if settings.weights_key != weights_key(weights):
        raise ValueError("settings.weights_key is not that of the given weights; expected weights_key(weights)")
    tiny = _ONE_PIXEL.get(settings.stem, 0)
    if settings.precision == "bfloat16" and device.type == "cpu" and settings.size <= tiny:
        raise ValueError(
            f"size is {settings.size} with precision bfloat16 on a CPU, whose gradients are wrong that small; "
            f"expected at least {tiny + 1}; choose a larger size, or precision float32"
        )
    held_out, kept = None, np.arange(len(data))
    if settings.held_out:
        held_out, kept = split_places(data, settings.held_out, settings.seed)
    counts = data.select(kept).counts()
    if min(counts.values()) == 0:
        raise ValueError(f"a class of {data.name} has no training picture: {counts}; load more or hold out less")
    # the whole set: parts are drawn by the seed, so each seed would decode and keep its own copies of them
    images = resized(data, settings.size, settings.filter, settings.crop, progress)
    places = torch.from_numpy(kept)
    home = _home(images, device)
    network = build(settings.architecture, len(data.class_names), settings.stem, settings.seed)
    if weights is not None:
        start_from_imagenet(network, weights)
        freeze_batch_norm(network)
    network = network.to(device)
    if device.type != "cpu":  # there plain weights are faster: its fused AdamW copies any others, twice a step
        network = network.to(memory_format=torch.channels_last)
    run = Run(identity, network, _optimizer(network, settings), device)
    if run.restore(folder / STATE):
        log.info("training run %s goes on at step %d", folder.name, run.step)
    return _Job(
        data=data,
        settings=settings,
        folder=folder,
        preprocessing=_preprocessing(settings, images, places, progress),
        images=images.to(home),
        labels=torch.from_numpy(data.labels).to(home),
        places=places,
        held_out=None if held_out is None else torch.from_numpy(held_out).to(home),
        run=run,
    )


def _loop(job: _Job, watch: Watch | None) -> None:
    settings, run, network, device = job.settings, job.run, job.run.network, job.run.device
    batch, steps = settings.batch_size, settings.epochs * job.steps_per_epoch
    loss_of = nn.CrossEntropyLoss(label_smoothing=settings.label_smoothing)
    pulse = Pulse(run, watch, settings.epochs, job.steps_per_epoch, batch)
    buffers = list(network.buffers())
    after_step = [buffer.clone() for buffer in buffers]
    saved, unsaved = time.monotonic(), False
    try:
        while len(run.history) < settings.epochs:
            epoch = len(run.history)
            network.train()
            if settings.weights_key:
                freeze_batch_norm(network)
            draw = draw_epoch(len(job.places), settings.size, settings.augmentation, settings.seed, epoch)
            draw = draw.at_places(job.places, len(job.images)).to(job.images.device)
            for step in range(run.step - epoch * job.steps_per_epoch, job.steps_per_epoch):
                at = draw.order[step * batch : (step + 1) * batch]
                labels = job.labels[at].to(device)
                for group in run.optimizer.param_groups:
                    group["lr"] = settings.rate(run.step, steps)
                run.optimizer.zero_grad(set_to_none=True)
                with autocast(device, settings.precision):
                    logits = network(job.preprocessing.inputs(gather(job.images, at, draw).to(device)))
                    loss = loss_of(logits, labels)
                loss.backward()
                run.optimizer.step()
                run.count(loss, logits, labels)
                torch._foreach_copy_(after_step, buffers)
                pulse.beat()
                if time.monotonic() - saved > SAVE_SECONDS:
                    unsaved = not _saved(run, job.folder / STATE, quiet=unsaved)
                    saved = time.monotonic()
            run.close_epoch(_held_out_accuracy(job, pulse), settings.rate(run.step - 1, steps))
            if run.best_epoch == len(run.history):
                run.check_weights()
                job.keep(BEST, complete=False)
            pulse.beat(now=True)
    except Exception:
        if pulse.stopped:  # between two steps but for the statistics of a forward pass cut short
            torch._foreach_copy_(buffers, after_step)
            run.save(job.folder / STATE)
            job.keep(LAST, complete=False)
        raise
    finally:
        pulse.close()


def _saved(run: Run, path: Path, quiet: bool) -> bool:
    """Whether the state could be kept; a full disk costs a killed process its work, not a running one."""
    try:
        run.save(path)
    except (OSError, RuntimeError) as error:  # torch names a full disk a RuntimeError
        if not quiet:
            log.warning("%s cannot be kept (%s); training goes on, and loses what came since if killed", path, error)
        return False
    return True


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """The context of a forward pass; none for float32, since torch refuses one for devices that it does not know."""
    return nullcontext() if precision == "float32" else torch.autocast(device.type, torch.bfloat16)


def fits(size: int, free: int) -> bool:
    """Whether pictures of `size` bytes should lie on a GPU that has `free` bytes."""
    return size <= GPU_SHARE * free


def _home(images: torch.Tensor, device: torch.device) -> torch.device:
    """Where the pictures lie while they are trained on: `device`, or the CPU where a GPU is too small for them."""
    if device.type != "cuda":
        return device
    free, _ = torch.cuda.mem_get_info(device)
    free += torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # torch's own, and unused
    return device if fits(images.nbytes, free) else torch.device("cpu")


def _held_out_accuracy(job: _Job, pulse: Pulse) -> float | None:
    if job.held_out is None:
        return None
    outputs = probabilities(
        job.run.network, job.preprocessing, job.images, job.run.device, lambda done, total: pulse.beat(), job.held_out
    )
    return float((outputs.argmax(1) == job.labels[job.held_out].cpu()).double().mean())


def _optimizer(network: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    decay = settings.weight_decay
    fused = weights[0].device.type in ("cpu", "cuda")
    if settings.optimizer == "SGD":
        return torch.optim.SGD(
            weights, lr=settings.learning_rate, momentum=0.9, nesterov=True, weight_decay=decay, fused=fused
        )
    return torch.optim.AdamW(weights, lr=settings.learning_rate, weight_decay=decay, fused=fused)


def _preprocessing(
    settings: Settings, images: torch.Tensor, places: torch.Tensor, progress: Progress | None
) -> Preprocessing:
    """How pictures become inputs; a normalisation by the training set is that of the pictures at `places` alone."""
    small = (settings.size, settings.filter, settings.crop)
    if settings.normalisation == "ImageNet":
        return Preprocessing(*small, IMAGENET_MEAN, IMAGENET_STD)
    if settings.normalisation == "none":
        return Preprocessing(*small)
    # exact integer sums: the result depends on no order of summation
    levels = torch.arange(256, dtype=torch.float64)
    counts = torch.zeros(3, 256, dtype=torch.int64)
    done = 0
    for part in torch.split(places, max(1, 8_000_000 // settings.size**2)):
        pictures = images[part]
        for channel in range(3):
            counts[channel] += pictures[..., channel].flatten().bincount(minlength=256)
        done += len(part)
        if progress is not None:  # seconds for a large set: time for an interrupt
            progress(done, len(places))
    shares = [count.double() / count.sum() for count in counts]
    means = [float((share * levels).sum()) / 255 for share in shares]
    spreads = [
        max(1e-3, float((share * (levels / 255 - mean) ** 2).sum()) ** 0.5)
        for share, mean in zip(shares, means, strict=True)
    ]
    return Preprocessing(*small, (means[0], means[1], means[2]), (spreads[0], spreads[1], spreads[2]))
