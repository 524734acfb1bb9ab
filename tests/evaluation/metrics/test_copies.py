"""Copies among the pictures: who lies on the edge of a ball is a matter of distance, never of rounding."""

from __future__ import annotations

import pytest
import torch

from hyponet.evaluation.metrics.distances import exact_squared
from hyponet.evaluation.metrics.neighbourhoods import Neighbourhoods, neighbourhoods


def inception_like(count: int, seed: int, width: int = 1024) -> torch.Tensor:
    """Features with a few directions that matter, as Inception's have, and a mean far from 0."""
    draw = torch.Generator().manual_seed(seed)
    return (torch.randn(count, 64, generator=draw) @ torch.randn(64, width, generator=draw) * 0.1 + 0.4).abs()


def opened(found: Neighbourhoods) -> tuple[int, ...]:
    return found.open_precise, found.open_recalled, found.open_inside, found.open_covered


@pytest.mark.parametrize("seed", range(3))
def test_copies_lie_on_the_edge_of_every_ball(seed: int) -> None:
    """Each generated picture is there four times and each real one twice: the nearest other is a copy, all radii are 0.

    By hand: nothing is nearer than 0, so the open rule counts nobody (prdc: 0); the copies of a real picture lie at
    0, so the closed rule counts all (torch-fidelity: 1). Which pictures went wrong was a matter of the processor.
    """
    seen = inception_like(300, seed)
    found = neighbourhoods(seen.repeat_interleave(4, 0), seen.repeat_interleave(2, 0), closed_k=1, open_k=1)
    assert opened(found) == (0, 0, 0, 0)
    assert (found.closed_precise, found.closed_recalled) == (1200, 600)


def test_the_audits_copies() -> None:
    """700 pictures against six copies of each at k = 3 and 5: prdc gives 0, torch-fidelity 1."""
    draw = torch.Generator().manual_seed(0)
    real = (torch.randn(700, 64, generator=draw) @ torch.randn(64, 2048, generator=draw) * 0.1 + 0.4).abs()
    found = neighbourhoods(real, real.repeat_interleave(6, 0), closed_k=3, open_k=5)
    assert opened(found)[::2] == (0, 0)
    assert found.open_covered == 0
    assert found.closed_precise == 700


@pytest.mark.parametrize(("count", "k"), [(40, 1), (700, 3), (700, 5), (1100, 5)])
def test_a_set_against_itself_has_density_one(count: int, k: int) -> None:
    """By hand: in each open ball lie its centre and the k - 1 nearest others; the k-th is the edge. So k a ball."""
    real = inception_like(count, 5)
    found = neighbourhoods(real, real[torch.randperm(count, generator=torch.Generator().manual_seed(1))], k, k)
    assert found.open_inside == k * count
    assert opened(found) == (count, count, k * count, count)
    assert (found.closed_precise, found.closed_recalled) == (count, count)


def test_corners_of_a_cube_lie_at_equal_distances() -> None:
    """By hand: each of 16 corners has 4 neighbours at distance 1, so that k = 1 to 4 give the radius 1.

    The open ball holds the corner itself alone, the closed one five corners; rounded sums would part the four.
    """
    cube = torch.tensor([[i >> bit & 1 for bit in range(4)] for i in range(16)], dtype=torch.float32) * 3 + 0.1
    found = neighbourhoods(cube, cube.flip(0), closed_k=2, open_k=4)
    assert found.open_inside == 16
    assert opened(found) == (16, 16, 16, 16)


def test_a_picture_far_away_changes_no_copy() -> None:
    """The rounding of a distance grows with the farthest picture."""
    seen = inception_like(60, 7)
    far = torch.full((1, seen.shape[1]), 1e4)
    found = neighbourhoods(
        torch.cat([seen.repeat_interleave(2, 0), far, far]), seen.repeat_interleave(2, 0), closed_k=1, open_k=1
    )
    assert opened(found) == (0, 0, 0, 0)
    assert (found.closed_precise, found.closed_recalled) == (120, 120)


def test_a_pairs_distance_is_the_same_wherever_it_comes_up() -> None:
    features = inception_like(50, 3)
    first, second = torch.randint(50, (2, 5000), generator=torch.Generator().manual_seed(0))
    together = exact_squared(features, features, first, second)
    alone = [exact_squared(features, features, first[i : i + 1], second[i : i + 1]).item() for i in range(100)]
    assert together[:100].tolist() == alone
    assert torch.equal(together, exact_squared(features, features, second, first))
    assert (together[first == second] == 0).all()
    theirs = torch.cdist(features.double(), features.double(), compute_mode="donot_use_mm_for_euclid_dist")
    torch.testing.assert_close(together.sqrt(), theirs[first, second], rtol=1e-9, atol=1e-9)
