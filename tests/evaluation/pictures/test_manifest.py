"""The one parser of manifest lines: what is damage and what is none, and that its fast way agrees with the slow one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyponet.evaluation.pictures.manifest import FALLBACK, GOOD, PickedOption, Record, is_blank, parse
from hyponet.evaluation.pictures.manifest_heads import heads

RECORD = Record(
    "cat/000002.png", "cat", 2, 1, GOOD, 'a "red" cat, \uace0\uc591\uc774', "blurry",
    (PickedOption("color", "red", "color.txt"), PickedOption("view", "front\\side", "view.txt")), 7, 512, 512,
    "ab" * 32, "passed", 0.25, "cat",
)  # fmt: skip
HEAD = ("cat", 2, 1, False, b"cat/000002.png", "passed")


def line(**changes):
    """The record's line with some columns changed; None takes one out."""
    columns = {**RECORD.columns(), **changes}
    return json.dumps({name: value for name, value in columns.items() if value is not None}).encode() + b"\n"


def test_a_record_comes_back_as_it_was_written():
    assert parse(RECORD.to_bytes()) == RECORD
    assert heads(RECORD.to_bytes()) == ([HEAD], {})


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b'"rank": 2,', b'"rank": 2.0,').replace(b'"seed": 7', b'"seed": 7.0'),
        lambda text: json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")).encode() + b"\n",
        lambda text: b"  " + text,
    ],
    ids=["CRLF", "byte order mark", "decimal points", "sorted keys", "indented"],
)
def test_what_other_programs_do_to_a_line_is_no_damage(change):
    changed = change(RECORD.to_bytes())
    assert parse(changed) == RECORD
    assert heads(changed) == ([HEAD], {})


@pytest.mark.parametrize("probability", [0.0, 1.0, 0.25, 5e-324, 1e-05, 9.9e-100])
def test_every_probability_that_we_write_is_read(probability):
    record = replace(RECORD, check_probability=probability)
    assert parse(record.to_bytes()) == record
    assert heads(record.to_bytes()) == ([HEAD], {})


def test_columns_of_a_user_are_carried_along():
    record = parse(line(text="a caption", score=0.5))
    assert record.extra == {"text": "a caption", "score": 0.5}
    assert json.loads(record.to_json())["text"] == "a caption"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_not_finite_stays_in_a_column_of_a_user_and_never_comes_into_ours(number):
    written = RECORD.to_bytes().replace(b"}\n", b', "quality": %b}\n' % number.encode())
    assert parse(written).to_bytes() == written
    with pytest.raises(ValueError, match="the check_probability"):
        replace(RECORD, check_probability=float(number)).to_bytes()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"check": None}, "no column 'check'"),
        ({"rank": -1}, "the rank -1"),
        ({"rank": 2.5}, "the rank 2.5"),
        ({"rank": True}, "the rank True"),
        ({"rank": 10**99}, "the rank 1000"),
        ({"attempt": 40_000}, "up to 32000"),
        ({"status": "odd"}, "expected ok or fallback"),
        ({"check": "odd"}, "expected unchecked or passed or failed"),
        ({"check_probability": float("nan")}, "the check_probability nan"),
        ({"check_probability": 10**400}, "the check_probability 1000.*expected 0 to 1"),
        ({"check_probability": 2}, "the check_probability 2; expected 0 to 1"),
        ({"check_probability": -0.5}, "the check_probability -0.5; expected 0 to 1"),
        ({"check_probability": 1.0000001}, "the check_probability 1.0000001"),
        ({"seed": 10**400}, "the seed 1000"),
        ({"width": 2**64}, "the width 18446744073709551616"),
        ({"prompt": 3}, "the prompt 3"),
        ({"picks": [{"slot": "color"}]}, "picks without"),
        ({"file_name": "../../secret.png"}, "expected <class folder>/<file>"),
        ({"file_name": "/secret.png"}, "expected <class folder>/<file>"),
        ({"file_name": "../secret.png"}, "expected <class folder>/<file>"),
        ({"file_name": "cat/."}, "expected <class folder>/<file>"),
        ({"file_name": "C:/secret.png"}, "expected <class folder>/<file>"),
    ],
)
def test_a_line_that_cannot_be_used_whole_is_damaged(changes, says):
    damaged = line(**changes)
    with pytest.raises(ValueError, match=says):
        parse(damaged)
    usable, damage = heads(damaged)
    assert (usable, list(damage)) == ([], [0])


@pytest.mark.parametrize("raw", [b"[1]\n", b'{"file_name": "to', b"\xff\n", b"\0\0\0\n", b"[" * 100_000 + b"\n"])
def test_what_is_no_object_of_json_is_damaged(raw):
    with pytest.raises(ValueError, match=r"^(is|has) "):
        parse(raw)


def test_blank_lines_are_skipped():
    block = RECORD.to_bytes() + b"\n\r\n  \n" + RECORD.to_bytes()
    assert heads(block) == ([HEAD] * 2, {})
    assert is_blank(b"\xef\xbb\xbf\n")


# as it stands, and without the backslashes that keep the quicker of the two expressions from it
@pytest.mark.parametrize("text", ['a "red" cat', "a red cat, \uace0\uc591\uc774"])
def test_every_flipped_bit_is_seen_alike_by_the_fast_and_the_slow_way(text):
    """What the index counts is what a reader gets: no line is counted and then not read."""
    whole = replace(RECORD, prompt=text, picks=(PickedOption("color", text, "color.txt"),)).to_bytes()
    for position in range(len(whole) - 1):
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[position] ^= 1 << bit
            if flipped[position] == ord("\n"):
                continue  # two lines, each damaged
            usable, _ = heads(bytes(flipped))
            try:
                record = parse(bytes(flipped))
            except ValueError:
                assert usable == [], bytes(flipped)
            else:
                assert usable == [record.head()], bytes(flipped)


@pytest.mark.parametrize("control", [b"\n", b"\t", b"\x00", b"\r"])
def test_a_text_does_not_reach_over_a_control_character(control):
    plain = replace(RECORD, prompt="a red cat", picks=()).to_bytes()
    torn = plain.replace(b"a red", b"a" + control + b"red")
    usable, damage = heads(plain + torn + plain)
    assert usable == [HEAD] * 2
    assert list(damage) == ([1, 2] if control == b"\n" else [1])
    assert heads(torn)[0] == []


texts = st.text(max_size=12)  # half surrogate pairs too: a label is any text of a widget


@given(texts, texts, st.integers(0, 10**8), st.integers(0, 32_000), st.floats(0, 1), st.sampled_from((GOOD, FALLBACK)))
def test_any_record_is_read_alike_by_the_fast_and_the_slow_way(label, prompt, rank, attempt, probability, status):
    record = Record(
        "c/0.png", label, rank, attempt, status, prompt, "", (), 2**32 - 1, 8, 8, "", "failed", probability, label
    )
    written = record.to_bytes()
    assert parse(written) == record
    assert heads(written) == ([(label, rank, attempt, status == FALLBACK, b"c/0.png", "failed")], {})
