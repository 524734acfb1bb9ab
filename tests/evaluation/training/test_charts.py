from __future__ import annotations

import numpy as np

from hyponet.evaluation.training.accuracy_figures import SetAccuracy
from hyponet.evaluation.training.charts import CURVE_SIZE, MAX_BARS, class_accuracies, class_bars


def reached(confusion, classes=("cat", "dog"), name="pets"):
    return SetAccuracy(name, tuple(classes), np.array(confusion), 0.1, synthetic=False)


def test_bars_are_the_accuracies_of_the_classes():
    """12 of 16 cats and 2 of 4 dogs; a second classifier has 8 of 16 and 4 of 4, by hand."""
    first, second = reached([[12, 4], [2, 2]]), reached([[8, 8], [0, 4]])
    assert class_accuracies([[first]]) == (["cat", "dog"], {"pets": [75.0, 50.0]})
    assert class_accuracies([[first], [second]]) == (["cat", "dog"], {"pets": [62.5, 75.0]})
    assert tuple(class_bars([[first], [second]]).shape) == (1, CURVE_SIZE[1], CURVE_SIZE[0], 3)


def test_a_set_that_lacks_a_class_leaves_a_gap():
    whole, without_dogs = reached([[1, 0], [1, 1]]), reached([[3, 1], [0, 0]])
    assert class_accuracies([[whole, without_dogs]])[1] == {"pets": [100.0, 50.0], "pets (2)": [75.0, None]}
    assert class_bars([[whole, without_dogs]]).isfinite().all()


def test_of_many_classes_the_worst_have_bars():
    names = [f"class {number}" for number in range(MAX_BARS + 9)]
    matrix = np.zeros((len(names), len(names)), np.int64)
    matrix[:, 0] = 100
    for number in range(1, len(names)):
        matrix[number, number] = number  # ever better; class 0 is always right
    classes, series = class_accuracies([[reached(matrix, names)]])
    assert classes == names[1 : MAX_BARS + 1]
    assert series["pets"] == sorted(series["pets"])
