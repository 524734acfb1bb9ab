"""Writes the table of rooms and the rules of imports into ARCHITECTURE.md, from the list in rooms.py.

python3 -m tools.dev.architecture            write it
"""

from __future__ import annotations

from .places import ROOT
from .rooms import FACES, ROOMS

PAGE = ROOT / "ARCHITECTURE.md"
START, END = "<!-- rooms: python3 -m tools.dev.architecture -->", "<!-- end of rooms -->"


def rooms_block() -> str:
    """The table and the rules, in Markdown."""
    rows = [f"| {number} | `{room.path}` | {room.holds} |" for number, room in enumerate(ROOMS, 1)]
    faces = ", ".join(f"`{name}`" for name in FACES)
    rules = [
        "- A file imports its own room and the rooms above it in this table, never one below; no circle of "
        "files or of rooms.",
        f"- ComfyUI is imported by files named {faces} alone. All else runs in plain Python and loads none of it.",
        "- A face (`nodes.py`: schemas and executes) is imported by its own room and by `nodes/extension.py` only.",
        "- Imports inside the pack are relative (ComfyUI has a module named `nodes` of its own), and nothing that "
        "ships imports `benchmarks`, `dev.py`, `headless`, `tests` or `tools`.",
    ]
    return "\n".join(["|  | room | holds |", "|---|---|---|", *rows, "", *rules])


def with_rooms(page: str) -> str:
    """The page with the block between the markers written anew."""
    before, _, remaining = page.partition(START)
    _, _, after = remaining.partition(END)
    return f"{before}{START}\n{rooms_block()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_rooms(PAGE.read_text("utf-8")), "utf-8")
