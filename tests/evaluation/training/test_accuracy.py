"""What Test Classifier counts, counted again by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors.torch
import torch
from scipy import stats
from torchmetrics import classification

from hyponet.evaluation.intervals import mcnemar
from hyponet.evaluation.pictures.cache import resized
from hyponet.evaluation.training import accuracy as testing
from hyponet.evaluation.training import comparison
from hyponet.evaluation.training.accuracy import class_entropies, expected_calibration_error, measure_accuracy
from hyponet.evaluation.training.accuracy_figures import SetAccuracy
from hyponet.evaluation.training.accuracy_table import accuracy_table
from hyponet.evaluation.training.comparison_figures import Comparison, OverSeeds
from hyponet.evaluation.training.predict import predict
from hyponet.evaluation.training.settings import Settings
from hyponet.evaluation.training.train import train

from ..sample_pictures import colours, provenance

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    settings = Settings(size=16, epochs=1, batch_size=8)
    return train(colours(), settings, tmp_path_factory.mktemp("run")).last


def test_counts_agree_with_the_predictions(checkpoint):
    data = colours(each=10, seed=7)
    result = measure_accuracy(checkpoint, data, CPU)
    figures = result.figures
    outputs = predict(checkpoint, data, CPU).numpy()
    predicted = outputs.argmax(1)
    assert figures.count == 30
    assert figures.right == sum(int(p == t) for p, t in zip(predicted, data.labels, strict=True))
    for true in range(3):
        for guess in range(3):
            expected = sum(1 for p, t in zip(predicted, data.labels, strict=True) if (t, p) == (true, guess))
            assert figures.confusion[true, guess] == expected
    sure = [outputs[mistake.index].max() for mistake in result.mistakes]
    assert sure == sorted(sure, reverse=True)
    assert len(result.mistakes) == 30 - figures.right
    assert all(data.class_names[data.labels[mistake.index]] == mistake.true for mistake in result.mistakes)


def test_classes_are_matched_by_name_not_by_number(checkpoint):
    data = colours(each=10, seed=7)
    order = [2, 0, 1]
    renamed = replace(
        data,
        class_names=tuple(data.class_names[i] for i in order),
        labels=np.array([order.index(label) for label in data.labels]),
    )
    one, two = (measure_accuracy(checkpoint, test_set, CPU).figures for test_set in (data, renamed))
    assert np.array_equal(one.confusion, two.confusion)


def test_a_class_that_the_classifier_does_not_know_is_refused(checkpoint):
    with pytest.raises(ValueError, match=r"pink.*Map Classes"):
        measure_accuracy(checkpoint, colours(names=("red", "green", "pink")), CPU)


def test_a_test_set_may_lack_a_class(checkpoint):
    data = colours()
    result = measure_accuracy(checkpoint, data.select(np.flatnonzero(data.labels != 1)), CPU)
    assert set(result.figures.per_class()) == {"red", "blue"}


def test_calibration_error_by_hand():
    # bins of a fifteenth: 0.95 and 0.99 share the last, 0.40 (= 6/15) ends the sixth, 0.41 is in the seventh.
    # last: |0.95 + 0.99 - 1|; sixth: |0.40 - 1|; seventh: |0.41 - 0|; sum over 4
    sure, correct = np.array([0.95, 0.99, 0.40, 0.41]), np.array([True, False, True, False])
    assert expected_calibration_error(sure, correct) == pytest.approx((0.94 + 0.60 + 0.41) / 4)


def test_calibration_error_is_torchmetrics():
    rng = np.random.default_rng(0)
    outputs = torch.from_numpy(rng.dirichlet([1, 1, 1], 500)).float()
    labels = torch.from_numpy(rng.integers(0, 3, 500))
    theirs = classification.MulticlassCalibrationError(num_classes=3, n_bins=15)(outputs, labels)
    sure, predicted = outputs.max(1)
    ours = expected_calibration_error(sure.numpy(), (predicted == labels).numpy())
    assert ours == pytest.approx(float(theirs), abs=1e-6)


def test_the_entropies_of_a_class_are_scipys():
    """In shares of a guess's; a sure answer has none."""
    rng = np.random.default_rng(1)
    outputs = np.concatenate([rng.dirichlet([1, 1, 1], 200), np.eye(3), np.full((3, 3), 1 / 3)]).astype(np.float32)
    labels = np.concatenate([rng.integers(0, 2, 200), np.full(6, 0)])
    found = class_entropies(outputs, labels, ("a", "b", "c"))
    theirs = stats.entropy(outputs.astype(np.float64), axis=1, base=3)
    assert found == {
        name: pytest.approx((theirs[labels == label].mean(), theirs[labels == label].std()), abs=1e-6)
        for label, name in enumerate("ab")
    }
    assert class_entropies(np.eye(3), np.arange(3), ("a", "b", "c"))["b"] == (0, 0)


def test_a_test_keeps_the_entropies_of_its_answers(checkpoint):
    data = colours()
    figures = measure_accuracy(checkpoint, data, CPU).figures
    outputs = predict(checkpoint, data, CPU).numpy()
    assert figures.entropy == class_entropies(outputs, data.labels, checkpoint.class_names)
    assert SetAccuracy.from_json(figures.to_json()).entropy == figures.entropy


def pictured(key="a", kind="last", **settings):
    """Where a classifier came from, with the pictures named that it was trained on."""
    known = provenance(**settings)
    return replace(known, kind=kind, data={**known.data, "content_key": key})


ONE = [pictured()]
UNLIKE_SEED_0 = {
    "architecture": pictured(seed=1, architecture="resnet34"),
    "epochs": pictured(seed=1, epochs=3),
    "training pictures": pictured("b", seed=1),
    "chosen epoch": pictured(seed=1, kind="best"),
    "held out draw": pictured(seed=1, held_out=0.1),
    "not even the seed": pictured(),
}


@pytest.mark.parametrize(("what", "other"), UNLIKE_SEED_0.items(), ids=UNLIKE_SEED_0)
def test_only_repetitions_are_pooled(what, other):
    first = pictured(held_out=other.settings.held_out)
    run = [result([[8, 2], [0, 10]])]
    table = accuracy_table([run, run], [first, other])
    assert "mean and standard" not in table
    assert what in table.splitlines()[-1]
    assert "| a | 80.00 % / 80.00 % |" in table, "each classifier's own"


@pytest.mark.parametrize("kind", ["last", "best"])
@pytest.mark.parametrize("first_is_complete", [True, False])
def test_an_interrupted_run_is_no_repetition_whichever_epoch_is_taken(kind, first_is_complete):
    """Nor of another one: two best epochs 3 may be of 4 and of 40 epochs, two last ones of steps far apart."""
    run = [result([[8, 2], [0, 10]])]
    runs = [
        replace(pictured(seed=seed, kind=kind, epochs=50), complete=complete, epochs_done=3)
        for seed, complete in enumerate((first_is_complete, False))
    ]
    table = accuracy_table([run, run], runs)
    assert "they differ in epochs trained, since one was stopped" in table
    assert "mean and standard deviation" not in table


def test_the_best_of_an_unfinished_run_does_not_say_how_long_it_was():
    best = replace(pictured(kind="best", epochs=50), complete=False, epochs_done=3)
    assert best.epochs_trained is None
    assert replace(best, kind="last").epochs_trained == 3
    assert replace(best, complete=True).epochs_trained == 50


def test_titles_say_what_makes_two_classifiers_of_one_set_differ(checkpoint):
    def titles(**changes):
        settings = replace(checkpoint.provenance.settings, epochs=50, **changes.pop("settings", {}))
        rival = replace(checkpoint, provenance=replace(checkpoint.provenance, settings=settings, **changes))
        return comparison._titles(checkpoint, rival)[1].removeprefix("colours, seed 0, ")

    assert titles(kind="best", epochs_done=12).startswith("resnet18, best epoch (12)")
    assert titles(complete=False, epochs_done=3).startswith("resnet18, stopped after 3 of 50 epochs")
    best_so_far = titles(kind="best", complete=False, epochs_done=3)
    assert best_so_far.startswith("resnet18, best epoch (3), of an unfinished run")
    assert titles(settings={"architecture": "resnet34"}).startswith("resnet34")
    assert titles(settings={"batch_size": 64}).endswith(", epochs 50, batch size 64")


def test_seeds_that_hold_out_the_same_pictures_are_repetitions():
    run = [result([[8, 2], [0, 10]])]
    runs = [pictured(seed=seed, held_out=0.1, held_out_seed=0) for seed in (0, 1)]
    assert "mean and standard deviation of 2 seeds" in accuracy_table([run, run], runs)


def test_a_set_that_lacks_classes_has_its_figure_among_those_that_it_has_beside_it(checkpoint):
    data = colours(each=10, seed=7)
    part = data.select(np.flatnonzero(data.labels != 1))
    figures = measure_accuracy(checkpoint, part, CPU).figures
    outputs = predict(checkpoint, part, CPU).numpy()
    restricted = np.where(outputs[:, 0] >= outputs[:, 2], 0, 2)  # by hand: the surer of red and blue
    assert figures.absent == ("green",)
    assert figures.restricted_right == int((restricted == part.labels).sum())
    assert SetAccuracy.from_json(figures.to_json()).restricted_right == figures.restricted_right
    share = f"{100 * figures.restricted_right / 20:.2f} % where only the 2 that are there count"
    assert figures.absence() == f"lacks 1 of the classifier's classes (green); {share}"
    assert figures.absence() in accuracy_table([[figures]], ONE)
    assert measure_accuracy(checkpoint, data, CPU).figures.absence() == ""


def test_runs_of_equal_seeds_are_paired_over_them():
    """By hand: 60, 55 and 65 right alone against 40, 41 and 39 give 20, 14 and 26; t = 20 / (6 / sqrt 3) = 5.7735."""
    pairs = [
        Comparison(f"a, seed {seed}", f"b, seed {seed}", 0.5, 0.4, mcnemar(*alone), 1.0)
        for seed, alone in enumerate(((60, 40), (55, 41), (65, 39)))
    ]
    sides = [
        [SimpleNamespace(provenance=pictured(key, seed=seed), class_names=()) for seed in range(3)] for key in "ab"
    ]
    found = comparison.over_seeds(*sides, pairs, pictures=200)
    assert (found.test.n, found.test.mean, found.test.sd) == (3, 20, 6)
    assert found.test.t_p == pytest.approx(2 * stats.t.sf(20 / (6 / 3**0.5), 2))
    assert found.test.wilcoxon_p == 0.25  # 2 of 8 signs
    assert "n = 3 training seeds: difference +10.00 +- 3.00 points" in comparison.comparison_table(pairs, found)
    assert OverSeeds.from_json(found.to_json()) == found
    assert comparison.over_seeds(sides[0][:1], sides[1][:1], pairs[:1], 200) is None
    sides[1][2] = SimpleNamespace(provenance=pictured("b", seed=7))
    assert "other seeds" in comparison.over_seeds(*sides, pairs, 200).text()
    sides[1][2] = SimpleNamespace(provenance=pictured("b", seed=2, epochs=9))
    assert comparison.over_seeds(*sides, pairs, 200).text().endswith("resnet18 differ in epochs.")


def result(confusion, name="set"):
    return SetAccuracy(name, ("a", "b"), np.array(confusion), 0.0625, synthetic=False)


def test_the_table_shows_runs_their_mean_and_deviation_and_classes():
    runs = [
        [result([[8, 2], [0, 10]]), result([[1, 0], [1, 0]])],
        [result([[6, 4], [0, 10]]), result([[1, 0], [0, 1]])],
    ]
    seeds = [pictured(seed=seed) for seed in (0, 1)]
    lines = accuracy_table(runs, seeds).splitlines()
    assert "90.00 %" in lines[2]
    assert lines[2].endswith("| 70.00 % |"), "the mean of 90 and 50"
    # 90 and 80, 50 and 100, 70 and 90: means and sample deviations
    assert lines[4] == (
        "| mean and standard deviation of 2 seeds | 85.00 +- 7.07 % | 75.00 +- 35.36 % | 80.00 +- 14.14 % |"
    )
    assert lines[-5] == "| a | 70.00 % | 100.00 % |"
    assert lines[-1] == "Test pictures that are of the training set: set unknown; set unknown."


def test_generated_sets_are_marked_and_stay_out_of_the_average():
    real = result([[9, 1], [0, 10]], "real")
    made = replace(result([[5, 5], [5, 5]], "made"), synthetic=True)
    header, _, row, *_ = accuracy_table([[real, made]], ONE).splitlines()
    assert header == "| | real | made (synthetic) | average of the real sets |"
    assert row.endswith("| 95.00 % |"), "19 of 20, without the other set's half"
    header, _, row, *_ = accuracy_table([[made]], ONE).splitlines()
    assert header == "| | made (synthetic) | average (synthetic) |"
    assert row.endswith("| 50.00 % |")
    assert accuracy_table([[real]], ONE).startswith("| | real | average |")


def test_sets_that_steered_a_top_up_stay_out_of_the_average():
    """Both parts of a divided test set are linked to one node; the one that steered is not reported."""
    reported = result([[9, 1], [0, 10]], "reported")
    steering = replace(result([[5, 5], [5, 5]], "steering"), steered={"round 1": 20})
    header, _, row, *_ = accuracy_table([[reported, steering]], ONE).splitlines()
    assert header == "| | reported | steering | average of the sets that are reported |"
    assert row.endswith("| 95.00 % |"), "19 of 20, without the other set's half"
    header, _, row, *_ = accuracy_table([[steering]], ONE).splitlines()
    assert header == "| | steering | average |"
    assert row.endswith("| 50.00 % |")


def test_names_do_not_break_the_tables():
    named = replace(result([[1, 0], [0, 1]], "a|b\n<i>"), classes=("x|y", "`z`"))
    lines = accuracy_table([[named]], ONE).splitlines()
    # by hand: a bar is escaped, a line break is a space, tags and code spans are not opened
    assert lines[0] == "| | a\\|b &lt;i> | average |"
    assert lines[-5].startswith("| x\\|y |")
    assert lines[-4].startswith("| 'z' |")
    pair = Comparison("a|b", "c\nd", 1.0, 0.5, mcnemar(1, 0), 1.0)
    assert comparison.comparison_table([pair]).splitlines()[-1].startswith("| a\\|b | c d | 100.00 %, 50.00 % |")


def test_classifiers_of_other_classes_are_refused_beside_each_other(checkpoint):
    testing.check_classes([checkpoint, checkpoint])
    turned = replace(checkpoint, class_names=("blue", "green", "red"))
    fewer = replace(checkpoint, class_names=("red", "green"))
    for other in (turned, fewer):
        with pytest.raises(ValueError, match=r"classifier 2 \(colours, seed 0, resnet18\) has .* in this order"):
            testing.check_classes([checkpoint, other])


def test_compare_counts_discordant_pairs(checkpoint, tmp_path):
    other = train(colours(seed=3), Settings(size=16, epochs=1, batch_size=8, seed=9), tmp_path).last
    data = colours(each=10, seed=7)
    a, b = (measure_accuracy(trained, data, CPU).correct for trained in (checkpoint, other))
    (pair,) = comparison.compare([checkpoint], [other], data, CPU)
    assert (pair.test.only_first, pair.test.only_second) == (int((a > b).sum()), int((b > a).sum()))
    assert pair.adjusted == pair.test.p
    (same,) = comparison.compare([checkpoint], [checkpoint], data, CPU)
    assert same.test.p == 1.0
    with pytest.raises(ValueError, match="run by run"):
        comparison.compare([checkpoint], [other, other], data, CPU)


def test_predicting_leaves_the_mode_of_every_layer(checkpoint):
    from hyponet.evaluation.training.predict import probabilities

    network = checkpoint.model()
    network.train()
    network.bn1.train(False)
    images = resized(colours(), 16)
    outputs = probabilities(network, checkpoint.preprocessing, images, CPU)
    assert torch.allclose(outputs.sum(1), torch.ones(len(outputs)), atol=1e-5)
    assert network.training
    assert not network.bn1.training


def test_a_classifier_whose_weights_are_no_numbers_is_not_tested(checkpoint, tmp_path):
    """argmax takes NaN for the largest: there would be an accuracy, that of one class."""
    tensors = safetensors.torch.load_file(checkpoint.path)
    tensors["fc.bias"][1] = torch.nan
    damaged = replace(checkpoint, path=tmp_path / "damaged.safetensors")
    safetensors.torch.save_file(tensors, damaged.path)
    with pytest.raises(ValueError, match=r"damaged\.safetensors gives .* not finite for 24 of 24 pictures of"):
        measure_accuracy(damaged, colours(), CPU)
