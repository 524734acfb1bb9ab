from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hyponet.nodes.dataset.store.description import parse_sizes
from hyponet.nodes.dataset.store.names import assign_folders, check_set_name, safe_folder

KOREAN = "\uace0\uc591\uc774"
GRIN = "\U0001f600"


@pytest.mark.parametrize("label", ["cat", "Egyptian cat", KOREAN, GRIN, "caf\u00e9", "a.b", "contrast"])
def test_a_legal_label_is_its_own_folder(label):
    assert safe_folder(label) == label


# https://learn.microsoft.com/windows/win32/fileio/naming-a-file: characters, device names, trailing dots and spaces
@given(st.text(st.characters(codec=None), max_size=320))
@example("CON")
@example("con.txt")
@example("COM\u00b9")
@example("a.")
@example("a/b\\c")
@example("..")
@example("")
@example("x" * 300)
@example(KOREAN * 100)
@example("\ud800")
def test_any_label_gives_a_folder_that_windows_takes(label):
    folder = safe_folder(label)
    assert folder
    assert not set(folder) & set('<>:"/\\|?*')
    assert all(ord(char) >= 32 for char in folder)
    assert folder[-1] not in ". "
    assert folder[0] not in ". "
    devices = ("CON", "PRN", "AUX", "NUL", *(f"COM{n}" for n in range(10)), *(f"LPT{n}" for n in range(10)))
    assert folder.split(".")[0].upper() not in devices
    assert len(folder.encode("utf-8")) <= 64


@given(st.lists(st.text(max_size=40), unique=True, max_size=20))
@example(["Cat", "cat", "CAT", "cat."])
@example(["caf\u00e9", "cafe\u0301"])
@example(["train", "trainclass"])
@example(["\ufb01sh", "fish"])  # a ligature that macOS and Windows may or may not tell apart
@example(["x" * 300, "x" * 301])
def test_no_two_labels_share_a_folder_on_any_file_system(labels):
    folders = assign_folders(labels, {})
    assert list(folders) == labels
    alike = [unicodedata.normalize("NFKC", folder).casefold() for folder in folders.values()]
    assert len(set(alike)) == len(labels)


def test_a_folder_once_given_stays():
    first = assign_folders(["Cat"], {})
    assert assign_folders(["cat", "Cat"], first)["Cat"] == "Cat"
    assert assign_folders(["cat", "Cat"], first)["cat"].startswith("cat-")


# datasets/data_files.py, SPLIT_KEYWORDS and NON_WORDS_CHARS "-._ 0-9": such a word in a folder's name makes a split
@pytest.mark.parametrize("label", ["train", "test tube", "my-val", "dev.1", "Validation", "x_evaluation"])
def test_no_folder_is_taken_for_a_split(label):
    import re

    words = re.split(r"[-._ 0-9]", safe_folder(label).lower())
    assert not set(words) & {"train", "training", "validation", "valid", "dev", "val", "test", "testing", "evaluation"}


@pytest.mark.parametrize("name", ["cats.work", "cats.rejects", "cats.SHEETS", "cats.32px"])
def test_a_set_cannot_be_called_like_the_folders_beside_a_set(name):
    with pytest.raises(ValueError, match="choose another ending"):
        check_set_name(name)


def test_sizes_are_read_and_refused():
    assert parse_sizes("64, 32 32") == (32, 64)
    assert parse_sizes("") == ()
    for text in ("0", "-3", "4097", "3.5", "a", "\u0663\u0662", "9" * 30):
        with pytest.raises(ValueError, match="small_copies"):
            parse_sizes(text)


def test_a_set_name_leaves_room_for_the_folders_beside_it(tmp_path):
    """The regression: 84 Korean characters, 252 bytes, failed when the second folder was made. A name has 255 bytes."""
    longest = "\ud55c" * 66 + "ab"  # 200 bytes
    assert check_set_name(longest) == longest
    (tmp_path / f"{longest}-train.rejects").mkdir()
    with pytest.raises(ValueError, match="201 bytes in UTF-8; expected at most 200"):
        check_set_name(longest + "c")
