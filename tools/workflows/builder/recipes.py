"""How classifiers are trained: Table 5-2 of the thesis, a recipe that learns more from small pictures in less time, and
the usual one for photos of 512 pixels.

Names are those of Train Classifier's widgets; what is not named has their defaults.
"""

from __future__ import annotations

from typing import Any

TABLE_5_2: dict[str, Any] = {
    "epochs": 50,
    "batch_size": 32,
    "learning_rate": 0.001,
    "optimizer": "AdamW",
    "augmentation": "none",
}
FAST: dict[str, Any] = {
    "stem": "3x3 stride 2",
    "epochs": 15,
    "batch_size": 128,
    "learning_rate": 0.1,
    "optimizer": "SGD",
    "weight_decay": 0.0005,
    "schedule": "one-cycle",
    "label_smoothing": 0.1,
    "augmentation": "flip and crop",
    "normalisation": "training set",
    "precision": "bfloat16",
}
# FAST where there are a few hundred pictures and any processor: more epochs of smaller batches, float32
FAST_FOR_FEW = {**FAST, "epochs": 60, "batch_size": 64, "learning_rate": 0.05, "precision": "float32"}
# A few hundred to some thousand photos a class: ImageNet's weights, trained on at a low rate with all layers free but
# batch-norm. A judgement by what is usual, not measured here.
OWN: dict[str, Any] = {
    "start": "ImageNet (download)",
    "size": 224,
    "crop": "centre crop",
    "epochs": 20,
    "batch_size": 32,
    "learning_rate": 0.0003,
    "optimizer": "AdamW",
    "weight_decay": 0.01,
    "schedule": "one-cycle",
    "label_smoothing": 0.1,
    "augmentation": "flip and crop",
    "normalisation": "ImageNet",
}
# OWN where `dev.py serve` offers a workflow: a few pictures of 64 pixels, any processor, no download
SERVED: dict[str, Any] = {
    "start": "scratch",
    "size": 32,
    "epochs": 6,
    "batch_size": 16,
    "learning_rate": 0.002,
    "normalisation": "training set",
}
