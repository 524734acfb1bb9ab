"""Images a second of Generate Dataset against queueing a native graph once per image, and what the loop itself costs.

    python benchmarks/generation.py [--images 40] [--steps 8] [--rounds 3] [--sides 64,256] [--models "SD 1.5,Z-Image"]
        [--lengths 1]

Both sides draw the same different prompts on the same running server, in turns, with tiny stand-ins on the CPU; at a
small side the work beside the sampler decides, at a large one the sampler. The share of the loop is measured in this
process at 256x256: time outside of text encoder, sampler and VAE. Memory is measured with a sampler that returns noise:
the most that 100 and 10,000 images hold.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from family_graphs import NAMES, SD15, Case
from pack import load_pack

from tools.dev.server import Server

CHECKPOINT = "tiny_sd15.ckpt"


def prompts(count: int, turn: str, lengths: int = 1) -> list[str]:
    """Different prompts, of so many different lengths in turn."""
    ends = [" and a tree" * (number % lengths) for number in range(count)]
    return [f"photo {turn} of a horse number {number} in a field{end}" for number, end in enumerate(ends)]


def timed(work: Callable[[], object], server: Server) -> tuple[float, float]:
    """Seconds by the clock, and seconds of processor time that the server took (steady on a busy machine)."""
    import psutil

    process = psutil.Process(server.process.pid)
    began, spent = time.perf_counter(), sum(process.cpu_times()[:2])
    work()
    return time.perf_counter() - began, sum(process.cpu_times()[:2]) - spent


def compare_throughput(server: Server, case: Case, images: int, rounds: int, lengths: int) -> None:
    client, made = server.client, f"{case.name} {case.side}".replace(" ", "_").replace(".", "")

    def native(turn: str, count: int) -> None:
        queued = [client.queue(case.native(text, seed)) for seed, text in enumerate(prompts(count, turn, lengths))]
        for prompt_id in queued:
            client.wait(prompt_id, poll=0.02)

    native(f"warm {made}", 2)
    client.run(case.ours(prompts(8, "warm too"), f"warm_{made}"))
    ours, theirs = [], []
    for turn in range(rounds):
        theirs.append(timed(lambda turn=turn: native(f"a {turn}", images), server))
        graph = case.ours(prompts(images, f"b {turn}", lengths), f"turn_{made}_{turn}")
        ours.append(timed(lambda graph=graph: client.run(graph), server))
    pairs = list(zip(theirs, ours, strict=True))
    ratio, work = (statistics.median(native_run[k] / our_run[k] for native_run, our_run in pairs) for k in (0, 1))
    speeds = [images / statistics.median(seconds for seconds, _ in runs) for runs in (ours, theirs)]
    print(f"{case.name}, {images} images of {case.side}x{case.side}, {case.steps} steps: {speeds[0]:.2f} images/s, "
          f"native {speeds[1]:.2f}")  # fmt: skip
    spent = [1000 * statistics.median(seconds for _, seconds in runs) / images for runs in (ours, theirs)]
    print(f"{ratio:.2f} times as many images a second; native takes {work:.2f} times the processor time "
          f"({spent[1]:.0f} ms an image, ours {spent[0]:.0f})", flush=True)  # fmt: skip


class Clock:
    """Adds up the seconds spent inside wrapped calls."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            began = time.perf_counter()
            try:
                return call(*arguments)
            finally:
                self.seconds += time.perf_counter() - began

        return run


class Watched:
    """A pipeline whose encoder, sampler and VAE are timed."""

    def __init__(self, pipeline: Any, clock: Clock) -> None:
        self.refiner, self.runs_alone = pipeline.refiner, pipeline.runs_alone
        self.max_repeat = pipeline.max_repeat
        self.encode, self.sample = clock.around(pipeline.encode), clock.around(pipeline.sample)
        self.refine, self.decode = clock.around(pipeline.refine), clock.around(pipeline.decode)


def measure_loop(models: Path, images: int, steps: int) -> None:
    """The loop's own share at 256x256, manifest, files and waiting for the writer included."""
    import comfy.sd
    import torch

    from hyponet.nodes.dataset.open import create_or_open
    from hyponet.nodes.dataset.store.description import SetSpec
    from hyponet.nodes.dataset.store.writer import BackgroundWriter
    from hyponet.nodes.prompts.item import Item
    from hyponet.nodes.sampling.encoding import Encoder
    from hyponet.nodes.sampling.generate import GenerationLoop
    from hyponet.nodes.sampling.memory import out_of_memory, release_memory
    from hyponet.nodes.sampling.pipeline import ComfyPipeline
    from hyponet.nodes.sampling.settings import SamplingSettings

    model, clip, vae, _ = comfy.sd.load_checkpoint_guess_config(str(models / "checkpoints" / CHECKPOINT))
    settings = SamplingSettings(256, 256, steps, 7.5, "dpmpp_2m", "karras", 8, 1.0, 0.8)
    pipeline = ComfyPipeline(model, vae, Encoder(clip, lambda: None), settings)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        clock = Clock()
        with create_or_open(Path(folder), "set", SetSpec({}, {})) as store:
            items = [Item("horse", n, 0, text, "blurry", (), n) for n, text in enumerate(prompts(images, "loop"))]
            pipeline.decode(pipeline.sample(pipeline.encode(items[:1]), lambda *_: None))
            began = time.perf_counter()
            with BackgroundWriter(store, queue_size=16) as writer:
                report: Callable[[float, Any], None] = lambda fraction, denoised: None  # noqa: E731
                loop = GenerationLoop(Watched(pipeline, clock), writer.put, report, out_of_memory, release_memory, batch_size=8, steps=steps)  # fmt: skip  # noqa: E501
                loop.generate(items)
            whole = time.perf_counter() - began
    print(f"{images} images of 256x256, {steps} steps: {100 * (whole - clock.seconds) / whole:.1f} % of {whole:.1f} s "
          "outside of encoder, sampler and VAE")  # fmt: skip


class Stub:
    """A pipeline that draws noise: what is measured is the loop, the plan and the writer."""

    refiner = None

    def encode(self, items: Sequence[Any]) -> list[Any]:
        from types import SimpleNamespace

        return [SimpleNamespace(item=item, lengths=lambda: (77, 77)) for item in items]

    def runs_alone(self, encoded: Any) -> bool:
        return False

    def max_repeat(self) -> int:
        return 4

    def sample(self, batch: Sequence[Any], callback: Callable[..., None]) -> Any:
        return batch

    def refine(self, batch: Sequence[Any], latents: Any, callback: Callable[..., None]) -> Any:
        return latents

    def decode(self, latents: Any) -> Any:
        import numpy as np

        return np.random.default_rng(latents[0].item.seed).integers(0, 256, (len(latents), 256, 256, 3), np.uint8)


def measure_memory(images: int) -> float:
    """The most memory that this process held, MB, after `images` pictures of 256x256."""
    from hyponet.nodes.dataset.open import create_or_open
    from hyponet.nodes.dataset.store.description import SetSpec
    from hyponet.nodes.dataset.store.writer import BackgroundWriter
    from hyponet.nodes.prompts.item import ClassSpec
    from hyponet.nodes.prompts.plan import Plan
    from hyponet.nodes.prompts.wildcards.library import Library
    from hyponet.nodes.sampling.generate import GenerationLoop

    plan = Plan(
        [ClassSpec("cat"), ClassSpec("dog")], "a {red|blue} __class__", Library([]), images_per_class=images // 2
    )
    with tempfile.TemporaryDirectory() as folder:
        with create_or_open(Path(folder), "set", SetSpec({}, {})) as store:
            with BackgroundWriter(store, queue_size=16) as writer:
                no_memory: Callable[[BaseException], bool] = lambda error: False  # noqa: E731
                loop = GenerationLoop(
                    Stub(), writer.put, lambda fraction, x0: None, no_memory, lambda: None, batch_size=8, steps=1
                )
                assert loop.generate(plan.item(*key) for key in store.missing(plan.schedule())) == images
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def known_models(text: str) -> list[str]:
    """Names of models between commas; one that is not known must not be measured as another."""
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: no stand-in; there are {', '.join(NAMES)}")
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sides", default="64,256", help="of the pictures of both sides, separated by commas")
    parser.add_argument("--models", type=known_models, default=SD15, help=f"separated by commas, of {', '.join(NAMES)}")
    parser.add_argument("--lengths", type=int, default=1, help="how many lengths the prompts have")
    parser.add_argument("--loop-images", type=int, default=16)
    parser.add_argument("--part", choices=("all", "throughput", "loop", "memory"), default="all")
    parser.add_argument("--hold", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    comfyui, models = Path(os.environ["HYPONET_COMFYUI"]), Path(os.environ["HYPONET_MODELS"])
    load_pack()
    sys.path.append(str(comfyui))
    if options.hold:
        print(f"{measure_memory(options.hold):.0f}")
        return
    if options.part in ("all", "throughput"):
        with tempfile.TemporaryDirectory() as folder:
            base = Path(folder)
            with Server(sys.executable, comfyui, base, base / "output", [models], 0, ("--cpu",)) as server:
                for name in options.models:
                    for side in map(int, options.sides.split(",")):
                        compare_throughput(
                            server, Case(name, options.steps, side), options.images, options.rounds, options.lengths
                        )
    if options.part in ("all", "loop"):
        import comfy.cli_args

        comfy.cli_args.args.cpu = True
        measure_loop(models, options.loop_images, options.steps)
    if options.part in ("all", "memory"):
        peaks = [int(subprocess.check_output([sys.executable, __file__, "--hold", str(n)])) for n in (100, 10_000)]
        print(f"most memory held: {peaks[0]} MB for 100 images, {peaks[1]} MB for 10,000")


if __name__ == "__main__":
    main()
