"""Pixels to the bytes of a PNG, WebP or JPEG file, with what made the picture written inside.

Reads and writes no files. PNG rows are filtered by `up` and packed with run lengths and Huffman codes only: five times
as fast as PIL's level 4 at 1.05 times the size on photos (benchmarks/writing.py).
"""

from __future__ import annotations

import io
import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from ....evaluation.pictures.generated_mark import PNG_KEYWORD, XMP, mark_jpeg
from ....evaluation.pictures.manifest import SUFFIX_OF
from ...prompts.item import Item

FORMATS = tuple(SUFFIX_OF)

_MAKE, _MODEL, _EXIF_DIRECTORY, _USER_COMMENT = 0x010F, 0x0110, 0x8769, 0x9286  # tags of the Exif standard
_MAX_SEGMENT = 65_000  # bytes of Exif; a JPEG segment ends at 65,535, its own head included


@dataclass(frozen=True, slots=True)
class Encoding:
    """How pictures are written.

    Args:
        format: one of FORMATS.
        quality: of lossy WebP and JPEG, 1..100.
        text: whether prompt, workflow and our own facts are written into the file. The mark that a picture is
            generated has nothing to do with it.
        parameters: whether the text `parameters` is, for other tools. Older pages of ComfyUI open an imitation
            made from it instead of the graph.
    """

    format: str = "png"
    quality: int = 95
    text: bool = True
    parameters: bool = False

    @property
    def suffix(self) -> str:
        """Of the files, with the dot."""
        return SUFFIX_OF[self.format]

    def identity(self) -> dict[str, Any]:
        """What of it a set may not change half-way."""
        lossy = self.format in ("webp", "jpeg")
        return {"format": self.format, **({"quality": self.quality} if lossy else {})}


def encode(image: np.ndarray, encoding: Encoding, texts: dict[str, str], *, generated: bool = True) -> bytes:
    """The file's bytes.

    Args:
        image: [H, W, 3] uint8.
        texts: keyword -> text, such as prompt, workflow and parameters; those that `encoding` wants are written.
        generated: whether a model made the picture; it gets the mark that says so.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ValueError(f"image is {image.dtype} {image.shape}; expected uint8 [H, W, 3]; drop alpha, add no batch")
    written = {
        keyword: text
        for keyword, text in texts.items()
        if (encoding.parameters if keyword == "parameters" else encoding.text)
    }
    if encoding.format == "png":
        return _png(image, {**written, **({PNG_KEYWORD: XMP.decode()} if generated else {})})
    out = io.BytesIO()
    picture = Image.fromarray(image)
    exif = _exif(written)
    xmp = XMP if generated else b""
    if encoding.format == "webp lossless":
        picture.save(out, "WEBP", lossless=True, quality=0, method=0, xmp=xmp, exif=exif)
    elif encoding.format == "webp":
        picture.save(out, "WEBP", quality=encoding.quality, method=4, xmp=xmp, exif=exif)
    else:
        picture.save(out, "JPEG", quality=encoding.quality, subsampling=0, **_jpeg_exif(exif))
        return mark_jpeg(out.getvalue()) if generated else out.getvalue()
    return out.getvalue()


def parameters_line(item: Item, settings: dict[str, Any]) -> str:
    """The text that other tools read under the keyword `parameters`: prompt, negative, then settings in one line.

    Args:
        settings: name -> value such as Steps, Sampler, CFG scale, Size, Model, in the order to be shown.
    """
    head = item.prompt.replace("\n", " ")
    negative = f"\nNegative prompt: {item.negative.replace(chr(10), ' ')}" if item.negative else ""
    values = {**settings, "Seed": item.seed}
    return f"{head}{negative}\n" + ", ".join(f"{name}: {_quoted(value)}" for name, value in values.items())


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if any(char in text for char in ',:\n"') else text


def _png(image: np.ndarray, texts: dict[str, str]) -> bytes:
    height, width, _ = image.shape
    rows = np.ascontiguousarray(image).reshape(height, width * 3)
    filtered = np.empty((height, width * 3 + 1), np.uint8)
    filtered[:, 0] = 2  # filter type `up`: each byte minus the one above
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    packer = zlib.compressobj(1, zlib.DEFLATED, 15, 9, zlib.Z_RLE)  # level 1, the largest window and memory
    pixels = packer.compress(filtered.data) + packer.flush()
    parts = [b"\x89PNG\r\n\x1a\n", _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))]
    parts += [_text_chunk(keyword, text) for keyword, text in texts.items()]
    parts += [_chunk(b"IDAT", pixels), _chunk(b"IEND", b"")]
    return b"".join(parts)


def _text_chunk(keyword: str, text: str) -> bytes:
    try:
        return _chunk(b"tEXt", keyword.encode("latin-1") + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return _chunk(b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode("utf-8", "replace"))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _exif(texts: dict[str, str]) -> Image.Exif:
    # ComfyUI's page opens the graph from Make and Model of a WebP, other tools read `parameters` in UserComment,
    # which lies in the Exif sub-directory
    exif = Image.Exif()
    if "workflow" in texts:
        exif[_MAKE] = "workflow:" + texts["workflow"]
    if "prompt" in texts:
        exif[_MODEL] = "prompt:" + texts["prompt"]
    if "parameters" in texts:
        comment = b"UNICODE\0" + texts["parameters"].encode("utf-16-be", "replace")
        exif.get_ifd(_EXIF_DIRECTORY)[_USER_COMMENT] = comment
    return exif


def _jpeg_exif(exif: Image.Exif) -> dict[str, Any]:
    data = exif.tobytes()
    if len(data) <= _MAX_SEGMENT:  # a larger graph stays in dataset.json
        return {"exif": data}
    for tag in (_MAKE, _MODEL):
        if tag in exif:
            del exif[tag]
    data = exif.tobytes()
    return {"exif": data} if len(data) <= _MAX_SEGMENT else {}
