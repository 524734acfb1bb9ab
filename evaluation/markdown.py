"""Text of users in Markdown: names that nobody checked, in table cells, code spans and lists."""

from __future__ import annotations


def one_line(text: str) -> str:
    """`text` on one line, with no character that ends a table cell or a code span, or opens a tag."""
    flat = " ".join(text.encode("utf-8", "replace").decode().split())
    return flat.replace("|", "\\|").replace("`", "'").replace("<", "&lt;")
