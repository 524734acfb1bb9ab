"""What several of these tests share: ComfyUI's tokenizer, the vocabulary and a table made from nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from hyponet.tools.small_model import engine
from hyponet.tools.small_model.text_table import Context, TextTable, new_directions, new_table
from hyponet.tools.small_model.vocabulary import Vocabulary, read_vocabulary


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return read_vocabulary()


@pytest.fixture(scope="session")
def tokenizer():
    engine.use_comfyui(Path(os.environ["HYPONET_COMFYUI"]))
    return engine.tokenizer()


@pytest.fixture(scope="session")
def table(vocabulary, tokenizer) -> TextTable:
    generator = torch.Generator().manual_seed(0)
    return new_table(vocabulary, tokenizer, new_directions(generator), generator)


@pytest.fixture(scope="session")
def context(table, tokenizer) -> Context:
    return Context(table, tokenizer)
