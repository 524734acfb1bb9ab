"""Reads Python's serialised objects as data: dicts, lists, tuples, strings, bytes, numbers and uint8 arrays, no more.

CIFAR-10's python archive is stored so. Python's own loader runs whatever a file asks for; this one is a table of stack
instructions, in which the only names a file may utter are those of numpy's array constructor and of one text codec, and
what they stand for is done here. Any other instruction or name is an error, and nothing is ever imported or called.

Source of the instruction set: the documentation of Python's `pickletools`, protocols 0 to 5.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np

ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): "array",
    ("numpy._core.multiarray", "_reconstruct"): "array",
    ("numpy", "ndarray"): "class of arrays",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",
}
MAX_STRING = 1 << 30  # bytes in one string: more is not one of these data sets


class _Name:
    """A name that a file uttered; it stands for nothing but itself."""

    def __init__(self, meaning: str) -> None:
        self.meaning = meaning


class _Array:
    """An array whose state has not come yet."""

    def __init__(self) -> None:
        self.value: np.ndarray | None = None


_MARK = object()


def read_plain(data: bytes, name: str) -> Any:
    """What `data` holds. Text of Python 2 comes as bytes; keys of dicts that are bytes in ASCII come as text.

    Args:
        data: the whole file.
        name: how an error names it.

    Raises:
        ValueError: it holds anything but plain data, or is cut short.
    """
    try:
        return _plain(_Reader(data).run())
    except (IndexError, struct.error, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{name} is damaged ({type(error).__name__}); expected a whole file; get it again") from None
    except ValueError as error:
        raise ValueError(f"{name} cannot be read: {error}; expected dicts, lists, text, numbers and arrays") from None


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.offset = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        """Obeys the instructions up to the stop; returns the value on top of the stack."""
        while True:
            code = self.data[self.offset]
            self.offset += 1
            if code == ord("."):
                return self.stack.pop()
            step = _STEPS.get(code)
            if step is None:
                raise ValueError(f"instruction {bytes([code])!r} at byte {self.offset - 1} is not of plain data")
            step(self)

    def take(self, size: int) -> bytes:
        """The next `size` bytes.

        Raises:
            IndexError: there are not so many, or the file states an absurd size.
        """
        if size < 0 or size > MAX_STRING or self.offset + size > len(self.data):
            raise IndexError("cut short")
        self.offset += size
        return self.data[self.offset - size : self.offset]

    def number(self, form: str) -> int:
        """The next little-endian integer; `form` is a letter of the struct module."""
        (value,) = struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))
        return int(value)

    def line(self) -> str:
        """The text up to the next line break, which is taken as well."""
        end = self.data.index(b"\n", self.offset)
        return self.take(end + 1 - self.offset)[:-1].decode("ascii")

    def since_mark(self) -> list[Any]:
        """The values above the last mark, taken off the stack with it."""
        mark = len(self.stack) - 1
        while self.stack[mark] is not _MARK:
            mark -= 1
            if mark < 0:
                raise IndexError("no mark")
        items = self.stack[mark + 1 :]
        del self.stack[mark:]
        return items

    def push(self, value: Any) -> None:
        """Puts a value on top of the stack."""
        self.stack.append(value)


def _name(reader: _Reader, module: Any, attribute: Any) -> None:
    meaning = ALLOWED.get((module, attribute)) if isinstance(module, str) and isinstance(attribute, str) else None
    if meaning is None:
        raise ValueError(f"it asks for {module!r:.60}.{attribute!r:.60}, which is not plain data")
    reader.push(_Name(meaning))


def _stack_name(reader: _Reader) -> None:
    attribute, module = reader.stack.pop(), reader.stack.pop()
    _name(reader, module, attribute)


def _apply(reader: _Reader) -> None:
    arguments, function = reader.stack.pop(), reader.stack.pop()
    if not isinstance(function, _Name) or not isinstance(arguments, tuple):
        raise ValueError("it calls what is no constructor of plain data")
    if function.meaning == "array":
        reader.push(_Array())
    elif function.meaning == "dtype":
        reader.push(("dtype", _ascii(arguments[0])))
    elif function.meaning == "encode" and len(arguments) == 2 and arguments[1] == "latin1":
        reader.push(arguments[0].encode("latin1"))
    else:
        raise ValueError("it calls what is no constructor of plain data")


def _build(reader: _Reader) -> None:
    state, value = reader.stack.pop(), reader.stack[-1]
    if isinstance(value, tuple) and value[0] == "dtype":
        return  # byte order and the like: of no meaning for single bytes
    if not isinstance(value, _Array) or not isinstance(state, tuple) or len(state) != 5:
        raise ValueError("it sets the state of what is no array")
    _, shape, dtype, fortran, stored = state
    if dtype != ("dtype", "u1") or fortran or not isinstance(stored, bytes):
        raise ValueError(f"an array is of type {dtype!r:.60}; only uint8 in C order is plain data")
    value.value = np.frombuffer(stored, dtype=np.uint8).reshape(tuple(int(side) for side in shape))


def _set_items(reader: _Reader) -> None:
    items = reader.since_mark()
    target = reader.stack[-1]
    if not isinstance(target, dict) or len(items) % 2:
        raise ValueError("it sets items of what is no dict")
    target.update(zip(items[::2], items[1::2], strict=True))


def _set_item(reader: _Reader) -> None:
    value, key = reader.stack.pop(), reader.stack.pop()
    if not isinstance(reader.stack[-1], dict):
        raise ValueError("it sets an item of what is no dict")
    reader.stack[-1][key] = value


def _extend(reader: _Reader, items: list[Any]) -> None:
    if not isinstance(reader.stack[-1], list):
        raise ValueError("it appends to what is no list")
    reader.stack[-1].extend(items)


def _tuple(count: int) -> Callable[[_Reader], None]:
    def step(reader: _Reader) -> None:
        items = tuple(reader.stack[len(reader.stack) - count :])
        del reader.stack[len(reader.stack) - count :]
        reader.push(items)

    return step


def _long(reader: _Reader) -> None:
    reader.push(int.from_bytes(reader.take(reader.number("B")), "little", signed=True))


def _float(reader: _Reader) -> None:
    reader.push(struct.unpack(">d", reader.take(8))[0])


def _text(form: str) -> Callable[[_Reader], None]:
    return lambda reader: reader.push(reader.take(reader.number(form)).decode("utf-8", "surrogatepass"))


def _raw(form: str) -> Callable[[_Reader], None]:
    return lambda reader: reader.push(reader.take(reader.number(form)))


def _value(make: Callable[[], Any]) -> Callable[[_Reader], None]:
    return lambda reader: reader.push(make())


def _put(form: str) -> Callable[[_Reader], None]:
    def step(reader: _Reader) -> None:
        reader.memo[reader.number(form)] = reader.stack[-1]

    return step


def _get(form: str) -> Callable[[_Reader], None]:
    return lambda reader: reader.push(reader.memo[reader.number(form)])


def _memoize(reader: _Reader) -> None:
    reader.memo[len(reader.memo)] = reader.stack[-1]


_STEPS: dict[int, Callable[[_Reader], Any]] = {
    0x80: lambda reader: reader.number("B"),  # protocol
    0x95: lambda reader: reader.number("Q"),  # frame
    ord("("): lambda reader: reader.push(_MARK),
    ord("}"): _value(dict),
    ord("]"): _value(list),
    ord(")"): _value(tuple),
    ord("N"): _value(lambda: None),
    0x88: _value(lambda: True),
    0x89: _value(lambda: False),
    ord("K"): lambda reader: reader.push(reader.number("B")),
    ord("M"): lambda reader: reader.push(reader.number("H")),
    ord("J"): lambda reader: reader.push(reader.number("i")),
    0x8A: _long,
    ord("G"): _float,
    ord("X"): _text("I"),
    0x8C: _text("B"),
    0x8D: _text("Q"),
    ord("U"): _raw("B"),
    ord("T"): _raw("i"),
    ord("C"): _raw("B"),
    ord("B"): _raw("I"),
    0x8E: _raw("Q"),
    ord("q"): _put("B"),
    ord("r"): _put("I"),
    ord("h"): _get("B"),
    ord("j"): _get("I"),
    0x94: _memoize,
    ord("t"): lambda reader: reader.push(tuple(reader.since_mark())),
    0x85: _tuple(1),
    0x86: _tuple(2),
    0x87: _tuple(3),
    ord("a"): lambda reader: _extend(reader, [reader.stack.pop()]),
    ord("e"): lambda reader: _extend(reader, reader.since_mark()),
    ord("s"): _set_item,
    ord("u"): _set_items,
    ord("c"): lambda reader: _name(reader, reader.line(), reader.line()),
    0x93: _stack_name,
    ord("R"): _apply,
    ord("b"): _build,
}


def _ascii(value: Any) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else str(value)


def _plain(value: Any, converted: dict[int, Any] | None = None) -> Any:
    # what a file mentions twice is converted once, or a few bytes could ask for endless work
    converted = {} if converted is None else converted
    if isinstance(value, (dict, list, tuple)):
        if id(value) not in converted:
            if isinstance(value, dict):
                converted[id(value)] = {_key(key): _plain(item, converted) for key, item in value.items()}
            else:
                converted[id(value)] = type(value)(_plain(item, converted) for item in value)
        return converted[id(value)]
    if isinstance(value, _Array):
        if value.value is None:
            raise ValueError("an array has no contents")
        return value.value
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return value
    raise ValueError("it names a constructor where data is expected")


def _key(key: Any) -> Any:
    return key.decode("ascii", "replace") if isinstance(key, bytes) else key
