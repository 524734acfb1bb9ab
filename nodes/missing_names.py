"""What an error says about a name that is not there: which names there are, and which shipped workflow makes it.

Reads: workflows/api, when there is an error. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..evaluation.json_text import parse_json

WORKFLOWS = Path(__file__).resolve().parent.parent / "workflows" / "api"
_MOST_LISTED = 12  # a judgement: what is still read


@contextmanager
def naming_what_exists(name: str, names: Callable[[], Sequence[str]], *makers: str) -> Iterator[None]:
    """Around the opening of `name`: the error that it is not there also says what is, and what makes it.

    Args:
        names: lists what may be opened.
        makers: classes of nodes that write such things by their input `name`.

    Raises:
        FileNotFoundError: it is not there.
    """
    try:
        yield
    except FileNotFoundError as error:
        parts = (str(error), listed(names()), made_by(name, *makers))
        raise FileNotFoundError("; ".join(filter(None, parts))) from None


def listed(names: Sequence[str]) -> str:
    """The first of the names that there are, and how many more."""
    tail = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return f"there are: {', '.join(names[:_MOST_LISTED])}{tail}" if names else "there are none yet"


def made_by(name: str, *makers: str) -> str:
    """Which shipped workflows have a node of one of the classes `makers` that writes `name`, or a folder it lies in."""
    workflows = []
    for path in sorted(WORKFLOWS.glob("*.json")):
        nodes = parse_json(path.read_text("utf-8")).values()
        written = [node["inputs"].get("name") for node in nodes if node["class_type"] in makers]
        if any(isinstance(parent, str) and f"{name}/".startswith(f"{parent}/") for parent in written):
            workflows.append(path.stem)
    return f"made by the workflow {' or '.join(workflows)}" if workflows else ""
