"""Planted copies among real pictures: what the picture hash and features find, and what they find that is none.

Of COUNT pictures 50 are planted: changed copies of pictures of the other set, which is as large as a half of it and
shares no other picture with it. Prints a line a kind of copy, the false alarms at each threshold, and the time of the
comparison beside that of the feature pass.

python benchmarks/contamination.py FOLDER --judge hyponet-small-judge.safetensors [--count 10000]

FOLDER: train/<class>/ and test/<class>/ of small pictures, or a zip of them. The judge: a checkpoint of Train
Classifier, whose last pooling layer gives the features.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from pack import load_pack
from PIL import Image

load_pack()

from hyponet.evaluation.metrics.contamination import COSINES, common_cosine  # noqa: E402
from hyponet.evaluation.metrics.nearest import BITS, hash_pictures, nearest_by_features, nearest_by_hash  # noqa: E402
from hyponet.evaluation.pictures.cache import resized  # noqa: E402
from hyponet.evaluation.pictures.draws import limited  # noqa: E402
from hyponet.evaluation.pictures.labelled_images import LabelledImages, labelled  # noqa: E402
from hyponet.evaluation.pictures.sources import read_source  # noqa: E402
from hyponet.evaluation.training.checkpoint import Checkpoint, load_checkpoint  # noqa: E402

PLANTED = 50


def jpeg(picture: Image.Image) -> Image.Image:
    packed = io.BytesIO()
    picture.save(packed, "JPEG", quality=50)
    return Image.open(packed).convert("RGB")


def cropped(picture: Image.Image) -> Image.Image:
    """The middle 90 % of each side, at the old size."""
    width, height = picture.size
    left, top = round(width * 0.05), round(height * 0.05)
    return picture.crop((left, top, width - left, height - top)).resize(picture.size, Image.Resampling.BICUBIC)


def shifted(picture: Image.Image) -> Image.Image:
    """Red a tenth up, blue a tenth down."""
    pixels = np.asarray(picture).astype(np.float32) * np.array([1.1, 1.0, 0.9], np.float32)
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "exact": lambda picture: picture,
    "resized to 3/2": lambda picture: picture.resize(
        (picture.width * 3 // 2, picture.height * 3 // 2), Image.Resampling.BICUBIC
    ),
    "JPEG 50": jpeg,
    "mirrored": lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "cropped to 90 %": cropped,
    "colour shifted": shifted,
}


class MemoryPictures:
    """Pictures in a list."""

    def __init__(self, pictures: list[np.ndarray]) -> None:
        self._pictures = pictures

    def __len__(self) -> int:
        return len(self._pictures)

    def read(self, index: int) -> np.ndarray:
        return self._pictures[index]

    def digest(self, index: int) -> bytes:
        return self._pictures[index].tobytes()

    def describe(self, index: int) -> str:
        return f"number {index}"


def judge_features(judge: Checkpoint, images: LabelledImages) -> np.ndarray:
    """What the judge's last pooling layer gives, [N,512]."""
    network = judge.model()
    network.fc = torch.nn.Identity()
    prepared = judge.preprocessing
    small = resized(images, prepared.size, prepared.filter, prepared.crop)
    with torch.inference_mode():
        return torch.cat([network(prepared.inputs(batch)) for batch in small.split(256)]).numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--count", type=int, default=10_000, help="pictures that are looked through")
    options = parser.parse_args()
    judge = load_checkpoint(options.judge)
    train, test = (read_source("image folder", options.folder, split) for split in ("train", "test"))
    classes = len(train.class_names)
    looked_through = limited(train, options.count // classes, 0)
    reference = limited(test, options.count // 2 // classes, 0)
    pictures = [looked_through.read(i) for i in range(len(looked_through))]
    draw = np.random.default_rng(0)
    places = draw.choice(len(pictures), PLANTED, replace=False)
    originals = draw.choice(len(reference), PLANTED, replace=False)
    kinds = [list(CHANGES)[number % len(CHANGES)] for number in range(PLANTED)]
    for place, original, kind in zip(places, originals, kinds, strict=True):
        pictures[place] = np.asarray(CHANGES[kind](Image.fromarray(reference.read(int(original)))))
    planted = labelled("looked through", train.class_names, looked_through.labels, MemoryPictures(pictures))

    started = time.perf_counter()
    seen, reference_seen = judge_features(judge, planted), judge_features(judge, reference)
    feature_pass = time.perf_counter() - started
    started = time.perf_counter()
    by_features = nearest_by_features(seen, reference_seen)
    reference_hashes = hash_pictures(reference)
    floor = common_cosine(reference_seen, reference_hashes)
    comparing = time.perf_counter() - started
    started = time.perf_counter()
    by_hash = nearest_by_hash(hash_pictures(planted), reference_hashes)
    hashing = time.perf_counter() - started
    print(
        f"{len(planted):,} against {len(reference):,}: features {feature_pass:.1f} s, their comparison "
        f"{comparing:.1f} s, hashing and its comparison {hashing:.1f} s"
    )
    print(f"all of it is {(feature_pass + comparing + hashing) / feature_pass:.2f} times the feature pass")

    right = {"hash": by_hash.index[places] == originals, "features": by_features.index[places] == originals}
    honest = np.ones(len(planted), dtype=bool)
    honest[places] = False
    for kind in CHANGES:
        of_kind = np.array([other == kind for other in kinds])
        found = [f"{int(of_kind.sum())} planted"]
        for bits in BITS:
            hits = of_kind & right["hash"] & (by_hash.value[places] <= bits)
            found.append(f"hash {bits} bits {int(hits.sum())}")
        for cosine in COSINES:
            hits = of_kind & right["features"] & (by_features.value[places] >= cosine)
            found.append(f"cosine {cosine:g} {int(hits.sum())}")
        hits = of_kind & right["features"] & (by_features.value[places] >= floor)
        print(f"{kind}: {', '.join(found)}, above the floor {int(hits.sum())}")
    alarms = [f"hash {bits} bits {int((by_hash.value[honest] <= bits).sum())}" for bits in BITS]
    alarms += [f"cosine {cosine:g} {int((by_features.value[honest] >= cosine).sum())}" for cosine in COSINES]
    alarms.append(f"above the floor of {floor:.5f} {int((by_features.value[honest] >= floor).sum())}")
    print(f"others of {int(honest.sum()):,}: {', '.join(alarms)}")
    for i in np.flatnonzero(honest & (by_hash.value <= BITS[1]))[:20]:
        print(f"  {looked_through.describe(int(i))} is like {reference.describe(int(by_hash.index[i]))}")


if __name__ == "__main__":
    main()
