"""The method of a paper, out of the results that a report is of: what was made, checked, held out and measured.

Returns Markdown with BibTeX; reads and writes nothing. Each sentence says what a result file states, and what no file
states is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..markdown import one_line
from ..pictures.making import Making
from ..training.accuracy_figures import steered_texts
from .accuracy_cells import by_key, steered
from .figures import Figures, PictureSet
from .headlines import headlines
from .metric_cells import convention_of, transformer_of
from .references import bibtex
from .tables import Report, Source

_METRICS = {
    "fid": "FID",
    "inception_score": "Inception Score",
    "kid": "KID",
    "precision_recall": "precision, recall, density and coverage",
    "diversity": "diversity",
    "sameness": "sameness of pictures of one prompt",
    "distortion": "FID of distorted copies",
    "cmmd": "CMMD",
    "clip_score": "CLIP score",
}
_BY_TRANSFORMER = {  # as the tables call them
    "fid": "Frechet distance (FD)",
    "kid": "kernel distance (KD)",
    "distortion": "FD of distorted copies",
}
_TRAINED = ("training", "test", "learning_curve", "ratio_to_real")  # kinds with the settings of a training
_ARCHITECTURES = {"resnet18": "ResNet-18"}
_TRAINING = (
    *("architecture", "stem", "size", "filter", "crop", "epochs", "batch_size", "optimizer", "learning_rate"),
    *("schedule", "weight_decay", "augmentation"),
)
_TRAINING_SENTENCE = (
    "{architecture} (first layer {stem}) was trained{on} from {start}: pictures of {size} px ({filter}, {crop}), "
    "{epochs} epochs, batches of {batch_size}, {optimizer} at {learning_rate} ({schedule}), weight decay "
    "{weight_decay}, augmentation {augmentation}"
)


def method_text(report: Report) -> str:
    """The page method.md; of the results that were measured in this run, or of all where none was."""
    sources = [source for source in report.sources if source.is_new] or list(report.sources)
    parts = [f"# Method: {one_line(report.title)}", f"{report.created}. For a paper: keep what it needs."]
    if not sources:
        return "\n\n".join([*parts, "Nothing was measured yet."]) + "\n"
    paragraphs = {
        "Pictures": _pictures(sources),
        "Labels": _labels(sources),
        "Training": _training(sources),
        "Held out": _held_out(sources, steered(report.sources)),
        "Metrics": _metrics(sources),
        "Figures": [f"{line}." for line in headlines(report)],
    }
    for title, sentences in paragraphs.items():
        if sentences:
            parts.append(f"**{title}.** {' '.join(map(one_line, dict.fromkeys(sentences)))}")
    parts += ["## References", f"```bibtex\n{bibtex(sources)}\n```"]
    return "\n\n".join(parts) + "\n"


def _pictures(sources: Sequence[Source]) -> list[str]:
    """Every set once: its size, how many of it are generated, and what made them."""
    sentences = []
    for picture_set in _sets(sources):
        sentences.append(_size(picture_set))
        sentences += [f"{_of(making, picture_set)}{making.made_by()}" for making in picture_set.makings]
    return sentences


def _of(making: Making, picture_set: PictureSet) -> str:
    """Which set is meant, where it has another name or only a part of it is there."""
    if making.is_part:
        return f"Out of {making.name} ({making.pictures:,} pictures): "
    return "" if making.name == picture_set.name else f"Of it {making.name}, {making.pictures:,} pictures: "


def _size(picture_set: PictureSet) -> str:
    count = "unknown number of" if picture_set.count is None else f"{picture_set.count:,}"
    parts = [f"{picture_set.name}: {count} pictures"]
    if picture_set.counts:
        low, high = min(picture_set.counts.values()), max(picture_set.counts.values())
        each = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        parts.append(f" in {len(picture_set.counts)} classes of {each}")
    if picture_set.synthetic is not None and picture_set.count:
        share = {0: "none of them", picture_set.count: "all of them"}.get(picture_set.synthetic)
        parts.append(f", {share or f'{picture_set.synthetic:,} of them'} generated")
    if picture_set.repeated:
        parts.append(f", {picture_set.repeated:,} of them there before, pixel by pixel")
    return "".join(parts) + "."


def _labels(sources: Sequence[Source]) -> list[str]:
    """How the labels of generated pictures came about and were checked."""
    return [f"{making.name}: {making.labelling()}" for picture_set in _sets(sources) for making in picture_set.makings]


def _training(sources: Sequence[Source]) -> list[str]:
    """How the classifiers were made, alike ones once with all their seeds."""
    seeds: dict[str, set[str]] = {}
    for source in sources:
        if source.result.kind in _TRAINED:
            numbers = seeds.setdefault(_training_sentence(source), set())
            of_points = [seed for point in source.figures.points for seed in point.seeds]
            numbers |= {str(seed) for seed in [source.result.settings.get("seed"), *of_points] if seed is not None}
    return [f"{sentence}{_runs(numbers)}." for sentence, numbers in seeds.items()]


def _runs(seeds: set[str]) -> str:
    """`; seed 3`, or `; 2 runs of the seeds 3, 4`; nothing where no file states one."""
    named = ", ".join(sorted(seeds, key=lambda seed: (len(seed), seed)))
    return {0: "", 1: f"; seed {named}"}.get(len(seeds), f"; {len(seeds)} runs of the seeds {named}")


def _training_sentence(source: Source) -> str:
    stated = {name: str(value) for name, value in source.result.settings.items()}
    stated = {name: stated.get(name, "unknown") for name in _TRAINING} | {"start": _start(source)}
    stated["architecture"] = _ARCHITECTURES.get(stated["architecture"], stated["architecture"])
    trained_on = source.figures.trained_on
    stated["on"] = f" on {trained_on.name}" if trained_on and trained_on.name else ""
    if source.figures.real is not None:
        stated["on"] += f" and, alike, on {source.figures.real.name or 'real pictures'}"
    return _TRAINING_SENTENCE.format(**stated) + _smaller_sizes(source.figures) + _both_sides(source.figures)


def _smaller_sizes(figures: Figures) -> str:
    """Of a learning curve, how its subsets were trained: the settings are those of the whole set."""
    largest = max((point.pictures for point in figures.points), default=0)
    sizes = [f"{point.per_class:,}" for point in figures.points if point.pictures < largest]
    if not sizes:
        return ""
    return f"; also on nested subsets of {', '.join(sizes)} pictures a class, with about as many updates by more epochs"


def _both_sides(figures: Figures) -> str:
    """Of a ratio to real, how many runs there are of each side."""
    runs = min((ratio.seeds for ratio in figures.ratios if ratio.is_paired), default=1)
    return f"; {runs} runs of each side" if runs > 1 else ""


def _start(source: Source) -> str:
    return "ImageNet weights" if source.result.settings.get("weights_key") else "random weights"


def _held_out(sources: Sequence[Source], steering: Mapping[str, Sequence[str]]) -> list[str]:
    """What the training did not see: the part kept back, and the test sets with what they share with it.

    Args:
        steering: of every result there is, see accuracy_cells.steered.
    """
    sentences = []
    for source in sources:
        settings, figures = source.result.settings, source.figures
        share = settings.get("held_out")
        if source.result.kind in _TRAINED and isinstance(share, (int, float)):
            sentences.append(_kept_back(share))
        if figures.training is not None and figures.training.held_out is not None:
            sentences.append(f"These are {figures.training.held_out.count:,} pictures.")
        sentences += [*_top_up(figures), *_near_copies(figures)]
        sentences += [_test_set(tested, steering) for tested in _tested(figures)]
    return sentences


def _tested(figures: Figures) -> list[PictureSet]:
    """The test sets of a result of any kind, with what they share with its training sets and what they steered."""
    tests = [
        PictureSet(
            name=accuracy.name,
            count=accuracy.count,
            content_key=tested_on.content_key,
            synthetic=accuracy.count if accuracy.synthetic else 0,
            shared=accuracy.shared,
            steered={**tested_on.steered, **accuracy.steered},
        )
        for accuracy, tested_on in zip(figures.accuracies, figures.tested_on, strict=True)
    ]
    tests += [
        PictureSet(ratio.test_set, ratio.count, ratio.content_key, shared=ratio.shared, steered=ratio.steered)
        for ratio in figures.ratios
    ]
    is_tested = figures.points or figures.pairs or figures.over_seeds
    return [*tests, figures.images] if is_tested and figures.images else tests


def _test_set(tested: PictureSet, steering: Mapping[str, Sequence[str]]) -> str:
    count = tested.count or 0
    number = f"{count:,} generated pictures" if tested.synthetic and tested.synthetic == count else _number(tested)
    shared = "an unknown number" if tested.shared is None else f"{tested.shared:,}"
    marks = steered_texts(by_key(steering, tested, count), count)
    said = f"{tested.name} was a test set ({number}); {shared} of them are of the training set, compared pixel by pixel"
    return "; ".join([said, *marks]) + "."


def _top_up(figures: Figures) -> list[str]:
    if figures.top_up is None:
        return []
    steering = figures.steering.name if figures.steering and figures.steering.name else "pictures that are not named"
    weak = ", ".join(figures.top_up.weak) or "all classes alike"
    tested = f" of {', '.join(figures.top_up.classifiers)}" if figures.top_up.classifiers else ""
    return [
        f"The plan was topped up by {figures.top_up.added:,} pictures after {figures.top_up.before:,}, for {weak}, by "
        f"a test{tested} on {steering}, which is not reported."
    ]


def _near_copies(figures: Figures) -> list[str]:
    if figures.copies is None:
        return []
    images, reference = figures.images or PictureSet(), figures.reference or PictureSet()
    return [
        f"{figures.copies.near:,} of {_number(images)} of {images.name or 'the set'} have a near copy in "
        f"{reference.name or 'the other set'}, {figures.copies.equal:,} of them equal pixel by pixel."
    ]


def _kept_back(share: float) -> str:
    if not share:
        return "Nothing of the training set was kept back; the last epoch counts."
    return f"{100 * share:g} % of each class were kept from training, to choose the epoch."


def _metrics(sources: Sequence[Source]) -> list[str]:
    """Each metric with network, convention and both numbers of pictures."""
    sentences = []
    for source in sources:
        if source.result.kind not in _METRICS:
            continue
        judged = source.figures.features or source.figures.images or PictureSet()
        against = source.figures.reference
        reference = f" against {against.name} ({_number(against)})" if against else ""
        kind = source.result.kind
        name = _BY_TRANSFORMER.get(kind, _METRICS[kind]) if transformer_of(source) else _METRICS[kind]
        sentences.append(
            f"{name} of {judged.name or source.row} ({_number(judged)}){reference}: "
            f"{convention_of(source.result.settings)}."
        )
    return sentences


def _number(picture_set: PictureSet) -> str:
    return "unknown number of pictures" if picture_set.count is None else f"{picture_set.count:,} pictures"


def _sets(sources: Sequence[Source]) -> list[PictureSet]:
    """Every set that was trained on, tested on or measured, once; one that says how it was made goes first."""
    named = [picture_set for source in sources for picture_set in source.figures.picture_sets() if picture_set.name]
    sets: dict[tuple[str, str], PictureSet] = {}
    for picture_set in sorted(named, key=lambda each: (not each.makings, not each.content_key)):
        keys = [(known.name, known.count) for known in sets.values()]
        if picture_set.content_key or (picture_set.name, picture_set.count) not in keys:
            sets.setdefault((picture_set.name, picture_set.content_key), picture_set)
    return list(sets.values())
