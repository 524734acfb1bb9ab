"""What renders of people's wildcard collections, beside dynamicprompts 0.31.0 reading the same folders.

    python benchmarks/wildcard_collections.py FOLDER...

Each FOLDER is a collection as its readers get it (none is part of the pack). Of the lists that dynamicprompts renders,
those are counted that render in ours, and those that give nothing; the rest is printed with its reason. A list renders
where `__name__` gives a prompt that is not empty and has no wildcard left in it.
"""

from __future__ import annotations

import argparse
import logging
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from pack import load_pack

load_pack()

from hyponet.nodes.prompts.plan import single_plan  # noqa: E402
from hyponet.nodes.prompts.wildcards.library import Library  # noqa: E402

PROMPTS = 5  # drawn of each list
SECONDS = 20  # for one list of theirs; some run in a circle


def prompts_of(render: Callable[[], list[str]]) -> tuple[list[str], str]:
    """The prompts of a list, and why there are none."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        return render(), ""
    except TimeoutError:
        return [], f"more than {SECONDS} s"
    except Exception as error:  # noqa: BLE001 - whatever a reader raises is its answer
        return [], f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    finally:
        signal.alarm(0)


def is_rendered(prompts: list[str]) -> bool:
    """Whether every prompt has text, and no wildcard that was not found."""
    return bool(prompts) and all(prompt.strip() and "__" not in prompt for prompt in prompts)


def theirs(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Each list of dynamicprompts that it renders, and its prompts."""
    from dynamicprompts.generators import RandomPromptGenerator
    from dynamicprompts.wildcards import WildcardManager

    manager = WildcardManager(folder)
    for name in sorted(manager.get_collection_names()):
        generator = RandomPromptGenerator(manager, seed=1)
        prompts, _ = prompts_of(lambda g=generator, n=name: [str(prompt) for prompt in g.generate(f"__{n}__", PROMPTS)])
        if is_rendered(prompts):
            yield name, prompts


def compare(folder: Path) -> None:
    """Prints the counts of one collection, and what does not render."""
    library = Library([folder])

    def ours(name: str) -> list[str]:
        mention = library.mention(name) or f"__{name}__"
        plan = single_plan(mention, library, coverage="balanced", seed=1)
        return [plan.item("prompt", rank).prompt for rank in range(PROMPTS)]

    counts: Counter[str] = Counter()
    reasons: list[str] = []
    for name, _ in theirs(folder):
        counts["theirs"] += 1
        prompts, reason = prompts_of(lambda n=name: ours(n))
        if is_rendered(prompts):
            counts["ours"] += 1
            continue
        counts["nothing"] += bool(prompts) and not all(prompt.strip() for prompt in prompts)
        reasons.append(f"  {name}: {reason or prompts}")
    share = counts["ours"] / max(1, counts["theirs"])
    name = f"{folder.parent.name}/{folder.name}"
    print(f"{name}: {counts['theirs']} lists render in dynamicprompts, {counts['ours']} of them here ({share:.2%})")
    print(f"  {counts['nothing']} give nothing (bar: 99.5 % render, none gives nothing)")
    print("\n".join(reasons), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    logging.disable(logging.CRITICAL)
    for folder in parser.parse_args().folders:
        compare(folder)


if __name__ == "__main__":
    main()
