"""How classifiers are trained: Table 5-2 of the thesis, and a recipe that learns more from small pictures in less time.

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
