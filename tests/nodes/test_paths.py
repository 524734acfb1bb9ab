"""`confine` lets nothing out of its base. The hostile names are the classes that DESIGN's safety section lists."""

from __future__ import annotations

import os
import unicodedata

import pytest

from hyponet.nodes import paths  # without ComfyUI this fails, and with it the whole run

HOSTILE = {
    "absolute": "/etc/passwd",
    "parent": "../secret",
    "parent inside": "a/../../secret",
    "dot": "a/./b",
    "only dots": "..",
    "backslash": "..\\secret",
    "drive": "C:/Windows",
    "drive relative": "C:secret",
    "unc": "\\\\host\\share",
    "nul": "a\0b",
    "newline": "a\nb",
    "empty": "",
    "blank": "   ",
    "double slash": "a//b",
    "trailing slash": "a/",
    "device": "CON",
    "device with suffix": "sub/nul.png",
    "device spaced": "COM1 .txt",
    "device of the console": "CONIN$",
    "device with a raised digit": "com\u00b2.png",
    "trailing dot": "name.",
    "trailing space": "name ",
    "leading space": " name",
    "stream": "file.txt:hidden",
    "wildcard": "a*b",
    "half surrogate": "a\ud800b",
    "too long": "x" * 256,
    "too long in bytes": "\ud55c" * 100,
    "too deep": "x/" * 2000 + "x",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_confine_rejects(tmp_path, name):
    with pytest.raises(ValueError, match="expected"):
        paths.confine(tmp_path, name)


def test_extra_model_paths_is_advised_where_it_helps_alone(tmp_path):
    """The regression: it was advised for the folders of LoRA Training, which it cannot list."""
    paths.register_model_folders()
    for name in ("nowhere", str(tmp_path / "nowhere")):
        with pytest.raises((ValueError, FileNotFoundError), match="put it there") as refused:
            paths.confine_any([tmp_path, paths.hyponet_dir()], name)
        assert "extra_model_paths.yaml" not in str(refused.value)
        with pytest.raises((ValueError, FileNotFoundError), match=r"in extra_model_paths\.yaml under inception"):
            paths.confine_any([tmp_path, *paths.model_folders("inception")], name)


@pytest.mark.parametrize("value", [None, 3, 2.5, True, ["a"], {"a": 1}, b"a"])
def test_confine_rejects_what_is_no_text(tmp_path, value):
    with pytest.raises(ValueError, match="expected text"):
        paths.confine(tmp_path, value)


@pytest.mark.parametrize("name", ["cats", "a/b/c.png", "\uace0\uc591\uc774/\U0001f697", "..hidden", "a b", "con-1"])
def test_confine_accepts_plain_relative_names(tmp_path, name):
    assert paths.confine(tmp_path, name) == (tmp_path / name).resolve()


def test_confine_rejects_a_link_that_leads_out(tmp_path):
    base, outside = tmp_path / "base", tmp_path / "outside"
    base.mkdir()
    outside.mkdir()
    (base / "door").symlink_to(outside)
    with pytest.raises(ValueError, match="link leads out"):
        paths.confine(base, "door/file")


def test_confine_follows_a_base_that_is_a_link(tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "base").symlink_to(real)
    assert paths.confine(tmp_path / "base", "file") == real / "file"


def test_a_sibling_with_the_same_beginning_is_outside(tmp_path):
    base, sibling = tmp_path / "set", tmp_path / "set-2"
    base.mkdir()
    sibling.mkdir()
    (base / "link").symlink_to(sibling)
    with pytest.raises(ValueError, match="link leads out"):
        paths.confine(base, "link")


def test_confine_any_lists_the_folders_searched(tmp_path):
    with pytest.raises(FileNotFoundError, match=str(tmp_path / "a")) as error:
        paths.confine_any([tmp_path / "a", tmp_path / "b"], "missing")
    assert str(tmp_path / "b") in str(error.value)
    assert os.sep in str(error.value)


def test_a_name_finds_what_a_mac_spelled_in_decomposed_letters(tmp_path):
    """ "cat" in Korean, three syllables; in Unicode's form NFD they are eight letters."""
    composed = "\uace0\uc591\uc774"
    decomposed = unicodedata.normalize("NFD", composed)
    (tmp_path / decomposed / decomposed).mkdir(parents=True)
    assert paths.confine(tmp_path, f"{composed}/{composed}") == tmp_path / decomposed / decomposed
    assert paths.confine(tmp_path, decomposed) == tmp_path / decomposed
    assert paths.confine(tmp_path, f"{composed}2") == tmp_path / f"{composed}2"


def test_decomposed_letters_lead_no_link_out(tmp_path):
    composed = "\uace0\uc591\uc774"
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / unicodedata.normalize("NFD", composed)).symlink_to(tmp_path)
    with pytest.raises(ValueError, match="a link leads out"):
        paths.confine(tmp_path / "base", composed)


@pytest.mark.parametrize("name", ["CON", "nul.cats", "x/LPT1", "CONIN$", "a:b"])
def test_no_node_writes_under_a_name_that_windows_does_not_take(name):
    """Sets, wildcards, LoRAs with their captions and states, runs; for classes see safe_folder."""
    from hyponet.nodes.dataset.engine import set_path
    from hyponet.nodes.lora.paths import captions_dir, lora_path, unfinished_dir
    from hyponet.nodes.prompts.engine import save_wildcard
    from hyponet.nodes.training.paths import checked_run_name

    def wildcard(stated):
        save_wildcard(None, "oak", stated, False)

    for write in (set_path, captions_dir, lora_path, unfinished_dir, checked_run_name, wildcard):
        with pytest.raises(ValueError, match=r"device name|not allowed|'a:b'"):
            write(name)


@pytest.mark.comfyui
def test_a_saved_wildcard_is_mentioned_as_a_template_can(tmp_path, monkeypatch):
    """The regression: Save Wildcard answered __cars (red)__, which gave text."""
    import folder_paths

    from hyponet.nodes.prompts.engine import library, save_wildcard

    monkeypatch.setitem(folder_paths.folder_names_and_paths, "wildcards", ([str(tmp_path)], set()))
    monkeypatch.setattr("hyponet.nodes.paths.user_wildcards_dir", lambda: tmp_path)
    saved = save_wildcard(None, "oak\nelm", "cars (red)", False)
    assert saved.wildcard == "__cars-red__"
    assert library().find("cars-red")[0].lines == ("oak", "elm")
    with pytest.raises(ValueError, match="no template can write"):
        save_wildcard(None, "oak", "((", False)
    assert [path.name for path in tmp_path.iterdir()] == ["cars (red).txt"]
