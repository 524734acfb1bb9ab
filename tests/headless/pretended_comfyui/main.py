"""A folder that passes for ComfyUI's where only the order of things matters: a process of 30 MB that starts at once.

It answers by the script of tests/headless/scripted.py. A prompt of a Save node takes its `n` hundredths of a second,
makes a set that is called as its `text` out of its `sets`, and adds the text to made.txt in the output folder. The text
`hang` makes the server silent, `die` ends it; both once for each output folder.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))

from scripted import ScriptedComfy, generated


class PretendedComfy(ScriptedComfy):
    """One server on `port` that works in `output`, one prompt after the other."""

    def __init__(self, port: int, output: Path) -> None:
        super().__init__(port)
        self.output, self.turn, self.holding, self.outputs = output, threading.Lock(), "running", generated()

    def get(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        return (200, {"system": {"argv": sys.argv}}) if path == "/system_stats" else super().get(path, query)

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        answer = super().post(path, body)
        if path == "/prompt":
            threading.Thread(target=self.work, args=(answer[1]["prompt_id"], body["prompt"]), daemon=True).start()
        return answer

    def work(self, prompt_id: str, graph: Any) -> None:
        with self.turn:
            text = graph["1"]["inputs"]["text"]
            if text in ("hang", "die") and self.is_first(text):
                if text == "die":
                    os._exit(1)
                self.hooks = dict.fromkeys(("/queue", "/history", "/prompt"), lambda: time.sleep(3600))
                return
            time.sleep(graph["1"]["inputs"]["n"] / 100)
            if self.running.pop(prompt_id, None) is not None:
                self.make(text, graph["1"]["inputs"].get("sets", "").splitlines())
                self.finish(prompt_id, graph)

    def make(self, text: str, sets: list[str]) -> None:
        """A set called `text`; that fails where the `sets` to make it of are not here."""
        datasets = self.output / "datasets"
        missing = [name for name in sets if not (datasets / name / "dataset.json").is_file()]
        self.status, self.outputs = "error" if missing else "success", generated(name=text)
        if not missing:
            (datasets / text / "cat").mkdir(parents=True, exist_ok=True)
            (datasets / text / "dataset.json").write_text(str(datasets), "utf-8")
            (datasets / text / "cat" / "1.png").write_text("".join([text, *sets]), "utf-8")
            with (self.output / "made.txt").open("a") as made:
                made.write(f"{text}\n")

    def is_first(self, text: str) -> bool:
        try:
            (self.output / text).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--output-directory", type=Path)
    options, _ = parser.parse_known_args()
    with Path("pids").open("a", encoding="utf-8") as file:  # a line a start: of the worker, and of this server
        file.write(f"{os.getppid()} {os.getpid()}\n")
    PretendedComfy(options.port, options.output_directory)
    threading.Event().wait()
