from __future__ import annotations

import json
import unicodedata

import numpy as np
import pytest
from PIL import Image

from hyponet.nodes.dataset.export.formats import export
from hyponet.nodes.lora.captioning.folder import edits_fingerprint, template_captioner, write_folder
from hyponet.nodes.lora.captions import folder_fingerprint, load_picture, read_folder

from ..dataset.sample_sets import generate, open_set

PHOTO = template_captioner("a photo of a {label}")


def pictures(n=3, seed=0):
    return list(np.random.default_rng(seed).integers(0, 256, (n, 8, 12, 3), np.uint8))


def test_each_picture_lies_beside_its_caption(tmp_path):
    given = pictures()
    captions = write_folder(tmp_path / "a", given, ["cat", "fire truck", "\ubc30"], PHOTO, "template")
    assert captions == ["a photo of a cat", "a photo of a fire truck", "a photo of a \ubc30"]
    found = read_folder(tmp_path / "a")
    assert [picture.path.name for picture in found] == ["0000_cat.png", "0001_fire_truck.png", "0002__.png"]
    assert [picture.caption for picture in found] == captions
    assert (found[0].width, found[0].height) == (12, 8)
    assert all(np.array_equal(load_picture(one.path), raw) for one, raw in zip(found, given, strict=True))


def test_an_edited_caption_stays_and_an_untouched_one_follows_the_captioner(tmp_path):
    write_folder(tmp_path / "a", pictures(), ["cat"] * 3, PHOTO, "one")
    (tmp_path / "a" / "0001_cat.txt").write_text("a cat on a mat\n", "utf-8")
    captions = write_folder(tmp_path / "a", pictures(), ["cat"] * 3, template_captioner("{label}, pixel art"), "two")
    assert captions == ["cat, pixel art", "a cat on a mat", "cat, pixel art"]


def test_the_captioner_is_not_asked_again_for_what_is_there(tmp_path):
    asked = []

    def counting(images, labels):
        asked.append(len(images))
        return list(labels)

    write_folder(tmp_path / "a", pictures(5), ["cat"] * 5, counting, "c", batch=2)
    assert asked == [2, 2, 1]
    (tmp_path / "a" / "0003_cat.txt").unlink()
    write_folder(tmp_path / "a", pictures(5), ["cat"] * 5, counting, "c", batch=2)
    assert asked == [2, 2, 1, 1]


def test_a_run_that_was_stopped_goes_on(tmp_path):
    def failing(images, labels):
        if len(list((tmp_path / "a").glob("*.txt"))) == 2:
            raise RuntimeError("stopped")
        return list(labels)

    with pytest.raises(RuntimeError, match="stopped"):
        write_folder(tmp_path / "a", pictures(5), ["cat"] * 5, failing, "c", batch=2)
    assert write_folder(tmp_path / "a", pictures(5), ["cat"] * 5, PHOTO, "c") == [
        *["cat"] * 2,
        *["a photo of a cat"] * 3,
    ]


class Dying(list):
    """Pictures that can be looked through once; then the process dies at the third."""

    looks = 0

    def __iter__(self):
        self.looks += 1
        for place, picture in enumerate(super().__iter__()):
            if self.looks > 1 and place == 2:
                raise SystemExit
            yield picture


def test_a_run_that_died_among_the_pictures_goes_on(tmp_path):
    with pytest.raises(SystemExit):
        write_folder(tmp_path / "a", Dying(pictures(5)), ["cat"] * 5, PHOTO, "one")
    assert len(list((tmp_path / "a").glob("*.png"))) == 2
    assert write_folder(tmp_path / "a", pictures(5), ["cat"] * 5, PHOTO, "one") == ["a photo of a cat"] * 5
    assert len(list((tmp_path / "a").glob("*.png"))) == 5


def test_a_folder_with_other_pictures_is_left_alone(tmp_path):
    write_folder(tmp_path / "a", pictures(), ["cat"] * 3, PHOTO, "one")
    with pytest.raises(ValueError, match="holds 3 pictures of another sample"):
        write_folder(tmp_path / "a", pictures(seed=1), ["cat"] * 3, PHOTO, "one")
    with pytest.raises(ValueError, match="holds 3 pictures of another sample"):
        write_folder(tmp_path / "a", pictures(2), ["cat"] * 2, PHOTO, "one")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "holiday.png").write_bytes(b"mine")
    with pytest.raises(ValueError, match="was not written by Caption Images"):
        write_folder(tmp_path / "b", pictures(), ["cat"] * 3, PHOTO, "one")
    assert (tmp_path / "b" / "holiday.png").read_bytes() == b"mine"


def test_labels_and_pictures_must_be_as_many(tmp_path):
    with pytest.raises(ValueError, match="labels has 2 entries; expected 3"):
        write_folder(tmp_path / "a", pictures(), ["cat"] * 2, PHOTO, "one")
    assert not (tmp_path / "a").exists()


def test_the_fingerprint_of_edits_follows_edits_and_not_our_own_writing(tmp_path):
    assert edits_fingerprint(tmp_path / "a") == ""
    write_folder(tmp_path / "a", pictures(), ["cat"] * 3, PHOTO, "one")
    assert edits_fingerprint(tmp_path / "a") == ""
    (tmp_path / "a" / "0001_cat.txt").write_text("a cat on a mat", "utf-8")
    edited = edits_fingerprint(tmp_path / "a")
    assert edited
    write_folder(tmp_path / "a", pictures(), ["cat"] * 3, PHOTO, "one")
    assert edits_fingerprint(tmp_path / "a") == edited
    (tmp_path / "a" / "0002_cat.png").unlink()
    assert edits_fingerprint(tmp_path / "a") not in ("", edited)


def test_the_fingerprint_of_a_folder_follows_captions_and_pictures(tmp_path):
    write_folder(tmp_path / "a", pictures(), ["cat"] * 3, PHOTO, "one")
    before = folder_fingerprint(tmp_path / "a")
    assert folder_fingerprint(tmp_path / "a") == before
    (tmp_path / "a" / "0001_cat.txt").write_text("other", "utf-8")
    assert folder_fingerprint(tmp_path / "a") != before


def test_a_users_own_folder_is_read(tmp_path):
    image = Image.fromarray(pictures(1)[0])
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn 90 degrees to the right
    image.save(tmp_path / "b.jpg", exif=exif)
    image.convert("RGBA").save(tmp_path / "a.webp")
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfa  cat,\r\n on a mat")
    (tmp_path / "b.TXT").write_text("", "utf-8")
    found = read_folder(tmp_path)
    assert [(one.path.name, one.caption, one.width, one.height) for one in found] == [
        ("a.webp", "a cat, on a mat", 12, 8),
        ("b.jpg", "", 8, 12),
    ]


def test_every_class_folder_of_an_export_is_read(tmp_path):
    """The regression: the folder had "no pictures", and each of its class folders is one class alone."""
    with open_set(tmp_path) as store:
        generate(store)
    folder, _ = export(
        store, tmp_path, "pets", "captions for LoRA trainers",
        shard_size=9, include_fallbacks=False, progress=lambda done, total: None,
    )  # fmt: skip
    read = [(one.name, one.caption) for one in read_folder(folder)]
    assert read == [  # sample_sets: a red one and a blue one in turn
        (f"1_{label}/{rank:06d}.png", f"a {('red', 'blue')[rank % 2]} {label}")
        for label in ("cat", "dog")
        for rank in range(4)
    ]
    before = folder_fingerprint(folder)
    (folder / "1_dog" / "000003.txt").write_text("other", "utf-8")
    assert folder_fingerprint(folder) != before
    (folder / "1_dog" / "000003.txt").unlink()
    with pytest.raises(ValueError, match=r"without a caption \(1_dog/000003\.png\)"):
        read_folder(folder)


def test_beside_pictures_of_its_own_those_of_sub_folders_are_left_out_with_a_word(tmp_path, caplog):
    write_folder(tmp_path / "a", pictures(), ["cat"] * 3, PHOTO, "one")
    write_folder(tmp_path / "a" / "unused", pictures(), ["dog"] * 3, PHOTO, "one")
    assert len(read_folder(tmp_path / "a")) == 3
    assert "sub-folders are left out: 3" in caplog.text


def test_a_caption_belongs_to_its_picture_in_either_form_of_letters(tmp_path):
    """A Mac gives back decomposed names; the text was written elsewhere."""
    name = "\uace0\uc591\uc774"  # cat in Korean
    Image.new("RGB", (64, 64)).save(tmp_path / f"{unicodedata.normalize('NFD', name)}.png")
    (tmp_path / f"{name}.txt").write_text("a cat")
    assert [picture.caption for picture in read_folder(tmp_path)] == ["a cat"]


@pytest.mark.parametrize("damage", [b"[" * 100_000, b"\xff", b"{}"])
def test_a_record_nested_too_deeply_is_named_like_any_damage(tmp_path, damage):
    (tmp_path / "captions.json").write_bytes(damage)
    with pytest.raises(ValueError, match=r"captions\.json is corrupt"):
        edits_fingerprint(tmp_path)


def test_what_is_missing_or_damaged_is_named(tmp_path):
    with pytest.raises(ValueError, match="has no pictures"):
        read_folder(tmp_path)
    Image.fromarray(pictures(1)[0]).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"1 pictures without a caption \(a.png\)"):
        read_folder(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    with pytest.raises(ValueError, match=r"a.txt has a byte that is no UTF-8 at 3"):
        read_folder(tmp_path)
    (tmp_path / "a.txt").write_text("fine")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    with pytest.raises(ValueError, match=r"picture a\.png cannot be decoded"):
        read_folder(tmp_path)


def test_a_damaged_record_is_named_and_names_no_file_outside(tmp_path):
    write_folder(tmp_path / "a", pictures(), ["cat"] * 3, PHOTO, "one")
    record = tmp_path / "a" / "captions.json"
    data = json.loads(record.read_text("utf-8"))
    data["pictures"][0]["file"] = "../../secret.png"
    record.write_text(json.dumps(data))
    with pytest.raises(ValueError, match="names a file outside"):
        write_folder(tmp_path / "a", pictures(), ["cat"] * 3, PHOTO, "one")
    record.write_text("{")
    with pytest.raises(ValueError, match=r"captions.json is corrupt"):
        write_folder(tmp_path / "a", pictures(), ["cat"] * 3, PHOTO, "one")


def test_an_empty_template_or_label_is_refused(tmp_path):
    with pytest.raises(ValueError, match="template is empty"):
        template_captioner("  ")
    with pytest.raises(ValueError, match="empty class name"):
        write_folder(tmp_path / "a", pictures(1), [""], PHOTO, "one")
