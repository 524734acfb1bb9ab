"""What texts call a node.

A display name may end in words in parentheses, which the search of ComfyUI's page is to find: "Load Classifier (ResNet,
timm)". The page of ComfyUI 0.3.75 searches node ids and display names alone, and what begins after the first 30
characters it does not find.
"""

from __future__ import annotations


def short_name(display_name: str) -> str:
    """A display name without its words in parentheses: as README, help pages and notes say it."""
    return display_name.partition(" (")[0]
