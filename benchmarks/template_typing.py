"""Milliseconds until the page has said what it has to say of a template that is typed, among 5,400 wildcards.

    python benchmarks/template_typing.py CHROMIUM [--frontend FOLDER]

Starts a server of its own (HYPONET_COMFYUI and HYPONET_MODELS as for the tests) over 5,400 generated text files. In
each renderer, the canvas and Nodes 2.0, letters are put into the box of Dynamic Prompt: the beginnings of names, after
each of which names are offered (completion), and templates, right and wrong, which are read (check) and, where right,
counted and drawn from. The list is laid out within the time; no frame waits for a screen. Prints medians of 50, in ms
(bar: 50), and the seconds that the server takes for the first list of nodes and for a later one.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from pack import load_pack

load_pack()

from hyponet.tools.workflows.editor import editor  # noqa: E402
from tools.dev.server import scratch_server  # noqa: E402

LISTS, FOLDERS, TIMES = 5400, 60, 50
PROMPT = "HypoNetDynamicPrompt"
BOX = """([type]) => {
  app.graph.clear();
  const node = LiteGraph.createNode(type);
  node.pos = [60, 60];
  app.graph.add(node);
  app.canvas.ds.offset = [0, 0];
}"""
FOUND = """() => {
  const node = app.graph._nodes[0];
  const box = LiteGraph.vueNodesMode
    ? document.querySelector(`[data-node-id="${node.id}"] textarea`)
    : node.widgets.find(({name}) => name === 'template').element;
  box?.focus();
  return document.activeElement === box && box !== null;
}"""
MEASURE = """async (texts) => {
  const box = document.activeElement;
  const panel = document.querySelector('.hyponet-typing');
  const times = [];
  for (const text of texts) {
    box.value = text;
    box.setSelectionRange(text.length, text.length);
    const start = performance.now();
    box.dispatchEvent(new InputEvent('input', {bubbles: true}));
    panel.getBoundingClientRect();
    times.push(performance.now() - start);
    const isSaid = panel.querySelectorAll('[role=option]').length || panel.querySelector('.mistake').textContent;
    if (!isSaid && !text.includes('}')) throw new Error(`nothing is said of ${text}`);
    await new Promise(requestAnimationFrame);
  }
  return times;
}"""
COUNT = """async (texts) => {
  const load = (name) => import(`/extensions/hyponet/js/${name}.js`);
  const [{read}, {preview}] = [await load('template_check'), await load('template_preview')];
  const times = [];
  for (const text of texts) {
    const start = performance.now();
    const found = await preview(read(text).nodes, app.graph._nodes[0], 'template');
    found.again();
    times.push(performance.now() - start);
  }
  return times;
}"""


def write_lists(folder: Path) -> None:
    """Text files of 5 to 80 options each."""
    rng = random.Random(1)
    for number in range(LISTS):
        path = folder / f"folder{number % FOLDERS}" / f"list{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"option {row} of {number}\n" for row in range(rng.randint(5, 80))), "utf-8")


def templates(rng: random.Random) -> list[str]:
    """Right ones, of some lists, choices and a variable each."""
    names = [f"__folder{number % FOLDERS}/list{number}__" for number in rng.sample(range(LISTS), 4 * TIMES)]
    return [
        "${c=!{red|blue|{deep|pale} green}}a ${c} {2$$ and $$" + "|".join(names[at : at + 3]) + "} in " + names[at + 3]
        for at in range(0, 4 * TIMES, 4)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chromium")
    parser.add_argument("--frontend", type=Path, help="another page than the server's own")
    options = parser.parse_args()

    rng = random.Random(2)
    right = templates(rng)
    begun = ["a __" + rng.choice(["", "f", "folder1", "list12", "9", "folder7/", "er5/list"]) for _ in range(TIMES)]
    wrong = [template + " {a|b" for template in right]
    page = ("--front-end-root", str(options.frontend)) if options.frontend else ()
    with tempfile.TemporaryDirectory() as base:
        write_lists(Path(base, "lists", "wildcards"))
        config = Path(base, "lists.yaml")
        config.write_text(json.dumps({"lists": {"base_path": f"{base}/lists", "wildcards": "wildcards"}}), "utf-8")
        server = scratch_server(Path(base), options=(*page, "--extra-model-paths-config", str(config)))
        server.start()
        try:
            for which in ("first", "later"):
                start = time.perf_counter()
                names = server.client.get("/object_info")["HypoNetLoadWildcard"]["input"]["required"]["name"]
                print(f"{which} list of nodes: {time.perf_counter() - start:.2f} s", flush=True)
            assert len(names[1].get("hyponet_counts", [])) >= LISTS
            for renderer, vue in (("canvas", False), ("Nodes 2.0", True)):
                with editor(server.client.url, options.chromium, settings={"Comfy.VueNodes.Enabled": vue}) as opened:
                    opened.page.evaluate(BOX, [PROMPT])
                    opened.until(FOUND)
                    opened.page.wait_for_timeout(2000)  # until it is known which lists are the user's own
                    for what, script, texts in (
                        ("completion", MEASURE, begun),
                        ("check of right ones", MEASURE, right),
                        ("check of wrong ones", MEASURE, wrong),
                        ("count and draw", COUNT, right),
                    ):
                        times = opened.page.evaluate(script, texts)
                        print(
                            f"{renderer}, {what}: median {statistics.median(times):.1f} ms of {len(times)}, "
                            f"largest {max(times):.1f}",
                            flush=True,
                        )
                    print(f"  page {opened.page.evaluate('() => window.__COMFYUI_FRONTEND_VERSION__')}", flush=True)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
