"""The published figures of the thesis, once, and which of our sets stands beside which of its rows.

Source: master's thesis (Konkuk University, 2024-02), Research on Effective Dataset Generation Using Generative AI for
Deep Learning Training, Tables 5-9 to 5-12.
"""

from __future__ import annotations

import re

TEST_SETS = ("CIFAR-10", "ImageNet-1k", "STL-10")
TEST_COUNTS = {"CIFAR-10": 5000, "ImageNet-1k": 900, "STL-10": 4000}
PER_CLASS = 5000  # pictures a class in each training set
# px at which a set's model works; the published code pairs 96 with ImageNet and 224 with STL-10, probably swapped
MODEL_SIZES = {"CIFAR-10": (32,), "ImageNet-1k": (224, 96), "STL-10": (96, 224)}
CLASSES = ("automobile", "cat", "horse", "ship", "truck")
REFERENCE_COUNT = 50_000  # CIFAR-10 train, all ten classes
CIFAR_TRAIN = "CIFAR-10 Train"
CIFAR_TEST = "CIFAR-10 Test"
IMAGENET_TRAIN = "ImageNet-1k Train"

# Table 5-9, per cent: CIFAR-10, ImageNet-1k, STL-10, Average
ACCURACY: dict[str, tuple[float, float, float, float]] = {
    CIFAR_TRAIN: (84.78, 66.11, 60.61, 70.5),
    "SD1.4 none": (69.86, 71.33, 63.75, 68.31),
    "SD1.4 FreeU": (63.16, 58.67, 62.38, 61.4),
    "SD1.4 LoRA": (53.32, 54.44, 45.2, 50.99),
    "SD1.4 HypoNet": (75.32, 73.11, 58.7, 69.04),
    "SD1.5 none": (68.96, 70.0, 69.5, 69.49),
    "SD1.5 FreeU": (66.56, 61.11, 60.13, 62.6),
    "SD1.5 LoRA": (61.42, 41.11, 63.65, 55.39),
    "SD1.5 HypoNet": (74.42, 73.11, 65.62, 71.05),
    "SDXL none": (61.18, 64.44, 63.23, 62.95),
    "SDXL FreeU": (61.32, 55.78, 42.15, 53.08),
    "SDXL LoRA": (59.5, 56.67, 58.75, 58.31),
    "SDXL HypoNet": (72.5, 76.22, 55.38, 68.03),
}

# Table 5-10, per cent on CIFAR-10 test: CIFAR-10 train and so many synthetic pictures a class (SD1.5 HypoNet)
AUGMENTATION: dict[int, float] = {0: 84.78, 1000: 88.22, 2000: 87.64, 3000: 88.88, 4000: 89.24, 5000: 88.94}

# Table 5-11, against CIFAR-10 train
FID: dict[str, float] = {
    CIFAR_TRAIN: 0.0,
    CIFAR_TEST: 3.24,
    IMAGENET_TRAIN: 38.13,
    "SD1.4 none": 34.05,
    "SD1.4 FreeU": 44.12,
    "SD1.4 LoRA": 40.53,
    "SD1.4 HypoNet": 25.99,
    "SD1.5 none": 33.19,
    "SD1.5 FreeU": 43.09,
    "SD1.5 LoRA": 26.08,
    "SD1.5 HypoNet": 24.08,
    "SDXL none": 38.14,
    "SDXL FreeU": 51.75,
    "SDXL LoRA": 27.77,
    "SDXL HypoNet": 24.91,
}

# Table 5-12, with torchvision's Inception v3
INCEPTION_SCORE: dict[str, float] = {
    CIFAR_TRAIN: 10.23,
    "SD1.4 none": 11.48,
    "SD1.4 FreeU": 13.11,
    "SD1.4 LoRA": 9.1,
    "SD1.4 HypoNet": 12.95,
    "SD1.5 none": 11.46,
    "SD1.5 FreeU": 12.82,
    "SD1.5 LoRA": 11.11,
    "SD1.5 HypoNet": 12.34,
    "SDXL none": 10.35,
    "SDXL FreeU": 9.52,
    "SDXL LoRA": 9.65,
    "SDXL HypoNet": 10.63,
}

_PART = "(test|val|valid|validation)?(set|part|images|pictures)?"
_SPELLED = {
    "CIFAR-10": f"cifar10{_PART}",
    "ImageNet-1k": f"(imagenet(1k)?|ilsvrc)(2012)?{_PART}",
    "STL-10": f"stl10{_PART}",
}
_TRAIN = "cifar10(clean|legacytensorflow)?train(ing)?(set|part|images|pictures)?(32)?"

ROWS = tuple(dict.fromkeys([*FID, *ACCURACY]))


def row_of(name: str) -> str | None:
    """The thesis's row that a set's name means, however it is spelled: sd15-hyponet, SD 1.5 HypoNet, cifar10_train.

    `CIFAR-10 Train + 1000` (any number, also after `plus`) means a row of Table 5-10 and comes back in that spelling,
    and so does `CIFAR-10 Train + 1000 repeated`, the row's control.
    """
    letters = _letters(name).replace("stablediffusion", "sd")
    for row in ROWS:
        if letters == _letters(row):
            return row
    # without the sign, a number is something else: cifar10-train-32 is a size
    added = re.fullmatch(
        r"cifar[ _-]*10[ _-]*train[ _-]*(?:\+|plus)[ _-]*([\d,]*\d)([ _-]*repeated)?", name.strip().lower()
    )
    if not added:
        return None
    return f"{CIFAR_TRAIN} + {int(added[1].replace(',', ''))}{' repeated' if added[2] else ''}"


def added_per_class(row: str) -> int | None:
    """How many synthetic pictures a class the row of Table 5-10 adds; None for other rows."""
    if row == CIFAR_TRAIN:
        return 0
    added = re.fullmatch(re.escape(CIFAR_TRAIN) + r" \+ (\d+)", row)
    return int(added[1]) if added else None


def repeated_per_class(row: str) -> int | None:
    """How many pictures a class the control of a row of Table 5-10 shows again; None for other rows."""
    repeated = re.fullmatch(re.escape(CIFAR_TRAIN) + r" \+ (\d+) repeated", row)
    return int(repeated[1]) if repeated else None


def set_counts(row: str) -> tuple[int, ...]:
    """Numbers of pictures from which the row's FID and Inception Score may come; none where the thesis does not say."""
    counts = {CIFAR_TRAIN: (50_000,), CIFAR_TEST: (10_000,), IMAGENET_TRAIN: ()}
    return counts.get(row, (5 * PER_CLASS, 10 * PER_CLASS))


def test_set_of(name: str) -> str | None:
    """The thesis's test set that a name means; CIFAR-100, CIFAR-10.1, ImageNet-A and training parts are none."""
    letters = _letters(name)
    return next((test_set for test_set, spelled in _SPELLED.items() if re.fullmatch(spelled, letters)), None)


def is_cifar_train(name: str) -> bool:
    """Whether a reference is CIFAR-10's training part, also by the name of a file of statistics."""
    return re.fullmatch(_TRAIN, _letters(name)) is not None


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
