"""Frames a second of a graph of 60 of our nodes on ComfyUI's page, with what web/ adds and without it.

    python benchmarks/frame_rate.py CHROMIUM [--frontend FOLDER] [--scale S] [--letters] [--lines N] [--rounds N]

Starts a server of its own (HYPONET_COMFYUI and HYPONET_MODELS as for the tests). In each renderer, the canvas and
Nodes 2.0, two pages open one workflow, so that its nodes have the sizes with which it was saved; every node that
answers has an answer of as many lines, and one of the pages is refused our scripts. Both are panned in turn, round by
round, so that a busy machine slows both. No frame waits for a screen. Prints the median of each and their ratio; and
the same of the processor time that a frame takes the page's main thread, which other work on the machine changes
little.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from pack import load_pack

load_pack()

from hyponet.tools.workflows.editor import editor  # noqa: E402
from tools.dev.server import scratch_server  # noqa: E402

NODES = 60
UNLIMITED = ("--disable-gpu-vsync", "--disable-frame-rate-limit")
OURS = "**/extensions/hyponet/**"
BUILD = """([kinds, count]) => {
  for (let index = 0; index < count; index += 1) {
    const node = LiteGraph.createNode(kinds[index % kinds.length]);
    node.pos = [(index % 10) * 460, Math.floor(index / 10) * 800];
    app.graph.add(node);
  }
  return app.graph.serialize();
}"""
ANSWER = """([scale, lines]) => {
  for (const node of app.graph.nodes) {
    if (!lines || !node.constructor.nodeData.output_node) continue;
    const output = {text: [Array(lines).fill('a line of an answer | with words').join('\\n')]};
    const id = String(node.id);
    window.comfyAPI.api.api.dispatchCustomEvent('executed', {node: id, display_node: id, output});
  }
  app.canvas.ds.scale = scale;
}"""
PAN = """async ([frames, circle]) => {
  const {ds} = app.canvas;
  const start = performance.now();
  for (let frame = 0; frame < frames; frame += 1) {
    ds.offset[0] = 300 * Math.sin(2 * Math.PI * frame / circle) - 300;
    ds.offset[1] = 300 * Math.cos(2 * Math.PI * frame / circle) - 300;
    app.canvas.setDirty(true, true);
    await new Promise(requestAnimationFrame);
  }
  return 1000 * frames / (performance.now() - start);
}"""
CIRCLE = 120  # frames; a round is whole circles, so that both pages show the same


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chromium")
    parser.add_argument("--frontend", type=Path, help="another page than the server's own")
    parser.add_argument("--scale", type=float, default=0.4, help="of the canvas; 1 is reading size")
    parser.add_argument("--letters", action="store_true", help="show letters, and our boxes, at every distance")
    parser.add_argument("--lines", type=int, default=60, help="of each answer; 0 for a graph that has not run")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--circles", type=int, default=2, help="of 120 frames, of each page in each round")
    options = parser.parse_args()

    page = ("--front-end-root", str(options.frontend)) if options.frontend else ()
    with tempfile.TemporaryDirectory() as base:
        server = scratch_server(Path(base), options=page)
        server.start()
        try:
            known = server.client.get("/object_info")
            kinds = sorted(name for name in known if name.startswith("HypoNet"))
            for renderer, vue in (("canvas", False), ("Nodes 2.0", True)):
                ratio(server.client.url, options, renderer, vue, kinds)
        finally:
            server.stop()


def ratio(url: str, options: argparse.Namespace, renderer: str, vue: bool, kinds: list[str]) -> None:
    """Pan both pages in turn, and print what came of it."""
    rates: dict[str, list[float]] = {"with": [], "without": []}
    times: dict[str, list[float]] = {"with": [], "without": []}
    letters = 0 if options.letters else 8  # 8 is the page's own: the canvas hides text and boxes that are smaller
    settings = {"Comfy.VueNodes.Enabled": vue, "LiteGraph.Canvas.MinFontSizeForLOD": letters}
    with editor(url, options.chromium, settings=settings) as opened:
        workflow = opened.page.evaluate(BUILD, [kinds, NODES])
    for number in range(options.rounds):
        for which in list(rates)[:: 1 if number % 2 else -1]:
            refused = OURS if which == "without" else ""
            with editor(url, options.chromium, settings=settings, options=UNLIMITED, refused=refused) as opened:
                opened.load(workflow)
                opened.page.evaluate(ANSWER, [options.scale, options.lines])
                opened.page.wait_for_timeout(1000)
                opened.page.evaluate(PAN, [30, CIRCLE])
                devtools = opened.page.context.new_cdp_session(opened.page)
                devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
                before = busy(devtools)
                frames = CIRCLE * options.circles
                rates[which].append(opened.page.evaluate(PAN, [frames, CIRCLE]))
                times[which].append(1000 * (busy(devtools) - before) / frames)
    ours, bare = (statistics.median(rates[which]) for which in ("with", "without"))
    print(f"{renderer}: {ours:.1f} frames/s with web/, {bare:.1f} without, ratio {ours / bare:.3f}", flush=True)
    print(f"  each round: {[f'{one:.1f}/{other:.1f}' for one, other in zip(*rates.values(), strict=True)]}", flush=True)
    ours, bare = (statistics.median(times[which]) for which in ("with", "without"))
    print(f"  main thread: {ours:.1f} ms a frame with web/, {bare:.1f} without, ratio {bare / ours:.3f}", flush=True)


def busy(devtools: Any) -> float:
    """Seconds of processor time that the page's main thread has worked."""
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return next(float(entry["value"]) for entry in metrics if entry["name"] == "TaskDuration")


if __name__ == "__main__":
    main()
