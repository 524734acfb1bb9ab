"""What several of these tests share: ComfyUI's tokenizer, the vocabulary and the table of the small model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hyponet.tools.small_model import engine
from hyponet.tools.small_model.expand import DATA
from hyponet.tools.small_model.text_table import Context, TextTable, Words, read_table, words_of
from hyponet.tools.small_model.vocabulary import Vocabulary, read_vocabulary


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return read_vocabulary()


@pytest.fixture(scope="session")
def tokenizer():
    engine.use_comfyui(Path(os.environ["HYPONET_COMFYUI"]))
    return engine.tokenizer()


@pytest.fixture(scope="session")
def words(vocabulary, tokenizer) -> Words:
    """Made from the lists and WordNet of this clone."""
    return words_of(vocabulary, tokenizer)


@pytest.fixture(scope="session")
def table() -> TextTable:
    """That of the model in data/small_model."""
    return read_table(DATA)


@pytest.fixture(scope="session")
def context(table) -> Context:
    return Context(table)
