"""From hyponyms and words to a wildcard file, one option a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ....evaluation.files import replacing
from ....evaluation.lock import only_writer
from ..language.names import key_of
from ..language.parser import parse
from .tables import weighted


def option_lines(hyponyms: Sequence[str], words: str) -> list[str]:
    """The lines of a wildcard file: hyponyms, then the lines of `words`, comments too, each once.

    Hyponyms are options in the template language as well: Load Wildcard gives the lines of a file as they are.

    Raises:
        TemplateError: a line is no template.
        ValueError: there is no option.
    """
    lines = []
    for source, texts in (("hyponyms", hyponyms), ("words", words.splitlines())):
        for number, text in enumerate(texts, start=1):
            parse(weighted(text.strip())[0], source, number)
            lines.append(text.strip())
    lines = [line for line in dict.fromkeys(lines) if line]
    if all(line.startswith("#") for line in lines):
        raise ValueError("options are none; expected hyponyms or words; link hyponyms, or type one word a line")
    return lines


def write_options(path: Path, lines: Sequence[str], overwrite: bool) -> Path:
    """Write the lines to `path`, or over the file there whose name differs by case only, and say which.

    Raises:
        ValueError: there is such a file with other lines and `overwrite` is false.
        AnotherWriter: another process is writing a wildcard into that folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with only_writer(path.parent, f"the folder of wildcards {path.parent}"):  # looked for, then written: by one alone
        existing = next((file for file in path.parent.iterdir() if key_of(file.name) == key_of(path.name)), None)
        text = "\n".join(lines) + "\n"
        if existing and existing.read_bytes() == text.encode():  # run again
            return existing
        if existing and not overwrite:
            what = f"name is {path.stem!r}, and {existing} exists"
            raise ValueError(f"{what}; expected a new name; choose one, or switch overwrite on")
        with replacing(existing or path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
        return existing or path
