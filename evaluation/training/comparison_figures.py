"""The figures of a comparison of two classifiers: the contract between who compares them and the report.

Each class has one form in a result file, written by `to_json` and read by `from_json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..intervals import McNemar, p_text
from ..paired import PairedTest


@dataclass(frozen=True)
class Comparison:
    """Two runs on one test set; `adjusted` is Holm's p over all pairs of the call."""

    first: str
    second: str
    first_accuracy: float
    second_accuracy: float
    test: McNemar
    adjusted: float

    def to_json(self) -> dict[str, Any]:
        """The object in a result file."""
        return asdict(self)

    @classmethod
    def from_json(cls, figures: Mapping[str, Any]) -> Comparison:
        """Raises KeyError, TypeError or ValueError where a figure is missing or cannot be."""
        test = figures["test"]
        return cls(
            first=str(figures["first"]),
            second=str(figures["second"]),
            first_accuracy=float(figures["first_accuracy"]),
            second_accuracy=float(figures["second_accuracy"]),
            test=McNemar(int(test["only_first"]), int(test["only_second"]), float(test["p"]), str(test["method"])),
            adjusted=float(figures["adjusted"]),
        )


@dataclass(frozen=True)
class OverSeeds:
    """Two classifiers over their training seeds, beside McNemar's test of each pair.

    Args:
        first, second: their training sets and architectures.
        pictures: of the test set.
        test: None where the runs are no repetitions.
        reason: why there is none.
    """

    first: str
    second: str
    pictures: int
    test: PairedTest | None
    reason: str

    def text(self) -> str:
        """For people: difference in points, and both p-values with the number of seeds."""
        if self.test is None:
            return f"No test over the seeds: {self.reason}."
        points = 100 / self.pictures
        t = "none, since every seed differs alike" if self.test.t_p is None else f"p {p_text(self.test.t_p)}"
        return (
            f"Over n = {self.test.n} training seeds: difference {self.test.mean * points:+.2f} "
            f"+- {self.test.sd * points:.2f} points; paired t-test: {t}; Wilcoxon's signed ranks: "
            f"p {p_text(self.test.wilcoxon_p)} (at the least {p_text(2 / 2**self.test.n)} with so many seeds)."
        )

    def to_json(self) -> dict[str, Any]:
        """The object in a result file."""
        return asdict(self)

    @classmethod
    def from_json(cls, figures: Mapping[str, Any]) -> OverSeeds:
        """Raises KeyError, TypeError or ValueError where a figure is missing or cannot be."""
        test = figures["test"]
        return cls(
            first=str(figures["first"]),
            second=str(figures["second"]),
            pictures=int(figures["pictures"]),
            test=None if test is None else _paired(test),
            reason=str(figures["reason"]),
        )


def _paired(test: Mapping[str, Any]) -> PairedTest:
    t_p = test["t_p"]
    return PairedTest(
        n=int(test["n"]),
        mean=float(test["mean"]),
        sd=float(test["sd"]),
        t_p=None if t_p is None else float(t_p),
        wilcoxon_p=float(test["wilcoxon_p"]),
    )
