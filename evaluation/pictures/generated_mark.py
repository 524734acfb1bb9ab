"""The mark that a picture was made by a model: XMP with IPTC's digital source type, read and written here alone.

Reads and writes no files. Of a file only its metadata is looked at; the pixels are not decoded.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Collection

from PIL import Image

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's code for a picture that a model made out of samples; a mix of photo and model has the code composite...."""

XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
    f"<Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPE}"
    "</Iptc4xmpExt:DigitalSourceType></rdf:Description></rdf:RDF></x:xmpmeta>"
    '<?xpacket end="w"?>'
).encode()
"""The packet that goes into a file."""

PNG_KEYWORD = "XML:com.adobe.xmp"  # under which a PNG has its XMP, as text

# other programs write the code as an element, an attribute or a resource; what a model changed has the composite code
_MARK = re.compile(
    rb"DigitalSourceType(?:\s*=\s*[\"']|\s*>\s*|\s+rdf:resource\s*=\s*[\"'])"
    rb"https?://cv\.iptc\.org/newscodes/digitalsourcetype/(?:trained|compositeWithTrained)AlgorithmicMedia\b"
)

# inputs of nodes that draw: a sampler's own, its sigmas and noise, and the latents that are decoded afterwards
_SAMPLING = frozenset(("steps", "sampler_name", "denoise", "cfg", "sigmas", "noise", "samples"))
_LOADER = re.compile(r"(?!HypoNet)[^.]*load[^.]*(image|picture|photo|video)", re.IGNORECASE)  # classes of other nodes


def is_drawn(settings: Collection[str], nodes: Collection[str]) -> bool:
    """Whether a model made the pictures of a set, by what its dataset.json has of their provenance.

    Args:
        settings: of the node that sampled, where it was one of ours: what Generate Dataset makes is drawn.
        nodes: "Class.input" of every node behind the pictures. They draw, or at least none of them loads pictures.
    """
    if settings or any(key.rpartition(".")[2] in _SAMPLING for key in nodes):
        return True
    return not any(map(_LOADER.match, nodes))


def has_mark(content: bytes) -> bool:
    """Whether the file of a picture says in its XMP that a model made it, wholly or partly; one that is none does not.

    Args:
        content: the whole file, PNG, JPEG, WebP or what else Pillow finds XMP in.
    """
    if XMP in content:  # as we write it; opening a WebP takes four times as long
        return True
    try:
        with Image.open(io.BytesIO(content)) as picture:
            xmp = picture.info.get("xmp") or picture.info.get(PNG_KEYWORD) or b""
    except (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError):
        return False
    packet = xmp.encode("utf-8", "replace") if isinstance(xmp, str) else bytes(xmp)
    return _MARK.search(packet) is not None


def mark_jpeg(jpeg: bytes) -> bytes:
    """The JPEG with the mark in a segment of its own behind the first; older versions of PIL write none."""
    body = b"http://ns.adobe.com/xap/1.0/\0" + XMP
    offset = 4 + struct.unpack(">H", jpeg[4:6])[0]
    return jpeg[:offset] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[offset:]
