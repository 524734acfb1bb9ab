"""Decoding: encoded bytes or files in, uint8 RGB arrays [H,W,3] out.

Every picture that the pack reads is decoded here, so that training, metrics, LoRA, the checks and the small copies of a
data set see the same pixels; what counts as a picture's file is said here too.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ..disk_errors import is_of_disk, may_be_too_long, unreadable

PICTURE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".tga"),
)
"""What a picture's file name ends in, in small letters, wherever the pack looks for pictures.

Formats of pictures that Pillow reads by itself; those of documents, icons, video and science (PDF, ICO, MPEG, FITS) are
left out, since a folder that holds such files beside its pictures rarely means them."""
# thumbnails of Synology's file server, recycle bins of Synology, QNAP and Windows, and what Windows and ext4 keep
_SYSTEM_FOLDERS = {
    *("@eadir", "#recycle", "@recycle", "@recently-snapshot", "$recycle.bin"),
    *("system volume information", "lost+found"),
}
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")  # PIL's modes of grey with more than 8 bits


class CorruptPicture(ValueError):
    """A picture cannot be decoded; the message names it."""


def has_picture_suffix(name: str) -> bool:
    """Whether a file of this name, or path, is taken for a picture."""
    return name.lower().endswith(PICTURE_SUFFIXES)


def is_of_other_programs(name: str) -> bool:
    """Whether a file or folder of this name is hidden (macOS leaves ._cat.png beside cat.png) or a system's own."""
    return name.startswith((".", "__MACOSX")) or name.lower() in _SYSTEM_FOLDERS


def is_picture(path: Path) -> bool:
    """Whether the file is there, is named as a picture, and is not hidden."""
    return has_picture_suffix(path.name) and not is_of_other_programs(path.name) and path.is_file()


def decode(
    picture: bytes | Path,
    name: str,
    *,
    orientation: Literal["ignore", "apply"] = "ignore",
    alpha: Literal["drop", "white"] = "drop",
) -> np.ndarray:
    """The picture as uint8 RGB [H,W,3].

    By default as torchvision's ImageFolder reads it, with which the published figures were measured: an orientation in
    EXIF is ignored and transparency is dropped. Unlike there, 16-bit grey is scaled (65,535 becomes 255), not clipped
    to white.

    Args:
        picture: an encoded picture in memory, or its file.
        name: how an error names it.
        orientation: `apply` turns the picture as its EXIF says, so that it stands as its camera's owner sees it.
        alpha: `drop` shows the colours below transparent parts, `white` lays the picture on white.

    Raises:
        CorruptPicture: it is missing, truncated, in no format that PIL reads, or of 32-bit values.
        UnreadableFile: the disk does not give it.
    """
    try:
        with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as image:
            upright = ImageOps.exif_transpose(image) if orientation == "apply" else image
            if image.mode in _DEEP:
                return _eight_bit_grey(upright, image.format)
            if alpha == "white" and upright.has_transparency_data:
                upright = _on_white(upright.convert("RGBA"))
            return np.array(upright.convert("RGB"))
    except FileNotFoundError as error:
        if isinstance(picture, Path) and may_be_too_long(picture):
            raise unreadable(picture, error) from error
        raise CorruptPicture(f"picture {name} is missing; load the set again") from None
    except MemoryError:
        raise
    except Exception as error:
        if isinstance(picture, Path) and is_of_disk(error):
            raise unreadable(picture, error) from error
        # PIL names the object that it was given, whose address is never the same twice
        reason = "it is in no format that PIL knows" if isinstance(error, UnidentifiedImageError) else error
        raise CorruptPicture(
            f"picture {name} cannot be decoded ({reason}); expected a whole PNG, JPEG, WebP or another format that PIL "
            "reads; replace or delete it (Load Labelled Images can skip corrupt pictures)"
        ) from None


def _on_white(image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def _eight_bit_grey(image: Image.Image, format: str | None) -> np.ndarray:
    """uint8 [H,W,3] of 16-bit grey; `format` of the file tells PIL's 32-bit mode of 16-bit values from real 32 bits."""
    sixteen = image.mode.startswith("I;16") or (image.mode == "I" and format in ("PNG", "PPM"))
    if not sixteen:
        raise ValueError("it has 32-bit values, whose white nothing states: convert it to 8 or 16 bits")
    deep = np.asarray(image).astype(np.int64)
    if deep.min() < 0 or deep.max() > 65_535:
        raise ValueError(f"it has values from {deep.min()} to {deep.max()}: convert it to 8 or 16 bits")
    grey = ((deep + 128) // 257).astype(np.uint8)  # to the nearest: 257 * 255 is 65,535
    return np.repeat(grey[:, :, None], 3, axis=2)  # (H, W) -> (H, W, 3)
