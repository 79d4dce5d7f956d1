"""XMP packets as they are read: elements, and where in the text each lies, so that a change leaves all else as it was.

A packet is RDF in XML. It is read in one pass whose time grows with its length, whatever it holds; elements are known
by their namespace and not by their prefix. See ISO 16684-1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

LARGEST_XMP = 1 << 25
"""Bytes of a packet; none that describes a photograph has as many."""
_DEEPEST = 64
_MOST_ELEMENTS = 50_000
_MOST_ATTRIBUTES = 50_000

RDF = b"http://www.w3.org/1999/02/22-rdf-syntax-ns#"
TIFF = b"http://ns.adobe.com/tiff/1.0/"
IPTC = b"http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
NOTE = b"http://ns.adobe.com/xmp/note/"
XAP = b"http://ns.adobe.com/xap/1.0/"
THUMBNAIL = b"http://ns.adobe.com/xap/1.0/g/img/"
CAMERA = b"http://ns.google.com/photos/1.0/camera/"
_USUAL = {b"rdf": RDF, b"tiff": TIFF, b"Iptc4xmpExt": IPTC, b"xmpNote": NOTE, b"xmp": XAP, b"GCamera": CAMERA}


@dataclass(eq=False)
class Attribute:
    """``start`` is that of the white space before it; the value lies between ``value`` and ``end`` - 1."""

    name: bytes
    start: int
    value: int
    end: int


@dataclass(eq=False)
class Element:
    """``start`` to ``end`` is all of it, ``inside`` to ``close`` its content; both are 0 where it has no end tag.

    ``declared`` are its own declarations of namespaces, by name.
    """

    name: bytes
    start: int
    parent: Element | None
    attributes: list[Attribute] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)
    declared: dict[bytes, Attribute] = field(default_factory=dict)
    inside: int = 0
    close: int = 0
    end: int = 0


_NAME = re.compile(rb"[^\s<>/=\"'&]+")
_ATTRIBUTE = re.compile(rb"\s+([^\s<>/=\"'&]+)\s*=\s*(\"[^\"<]*\"|'[^'<]*')")
_TAG_END = re.compile(rb"\s*(/?)>")
_SKIPPED = ((b"<!--", b"-->"), (b"<![CDATA[", b"]]>"), (b"<?", b"?>"))


class _MalformedError(ValueError):
    pass


class Packet:
    """A packet that has been read: its elements, and the text that they lie in."""

    def __init__(self, text: bytes) -> None:
        if len(text) > LARGEST_XMP:
            raise _MalformedError("it is too large")
        self.text = text
        self.root = Element(b"", 0, None)
        self.elements: list[Element] = []
        self._attributes = 0
        self._read()

    def _read(self) -> None:
        text, at, element, depth = self.text, 0, self.root, 0
        while (at := text.find(b"<", at)) >= 0:
            pair = next((pair for pair in _SKIPPED if text.startswith(pair[0], at)), None)
            if pair is not None:
                at = self._after(pair[1], at)
            elif text.startswith(b"</", at):
                end = self._after(b">", at)
                if text[at + 2 : end - 1].rstrip() != element.name or element.parent is None:
                    raise _MalformedError("its tags do not match")
                element.close, element.end = at, end
                element, depth, at = element.parent, depth - 1, end
            else:
                new, is_empty, at = self._start_tag(at, element)
                element.children.append(new)
                self.elements.append(new)
                if not is_empty:
                    element, depth = new, depth + 1
                if depth > _DEEPEST or len(self.elements) > _MOST_ELEMENTS:
                    raise _MalformedError("it has too many elements")
        if element is not self.root or not self.elements:
            raise _MalformedError("its tags are not closed")

    def _after(self, mark: bytes, at: int) -> int:
        found = self.text.find(mark, at)
        if found < 0:
            raise _MalformedError(f"{mark.decode()} is missing")
        return found + len(mark)

    def _start_tag(self, at: int, parent: Element) -> tuple[Element, bool, int]:
        name = _NAME.match(self.text, at + 1)
        if name is None:
            raise _MalformedError("a tag has no name")
        element, at = Element(name[0], at, parent), name.end()
        while (match := _ATTRIBUTE.match(self.text, at)) is not None:
            attribute = Attribute(match[1], match.start(), match.start(2) + 1, match.end())
            element.attributes.append(attribute)
            if attribute.name.startswith(b"xmlns"):
                element.declared.setdefault(attribute.name, attribute)
            at, self._attributes = match.end(), self._attributes + 1
        if self._attributes > _MOST_ATTRIBUTES:
            raise _MalformedError("it has too many attributes")
        end = _TAG_END.match(self.text, at)
        if end is None:
            raise _MalformedError("a tag has no end")
        element.end = end.end()
        if not end[1]:
            element.inside = end.end()
        return element, bool(end[1]), end.end()

    def value(self, attribute: Attribute) -> bytes:
        return self.text[attribute.value : attribute.end - 1]

    def full_name(self, name: bytes, element: Element) -> tuple[bytes, bytes]:
        """Namespace and local name."""
        prefix, colon, local = name.rpartition(b":")
        declaration = b"xmlns:" + prefix if colon else b"xmlns"
        at: Element | None = element
        while at is not None:
            if declaration in at.declared:
                return self.value(at.declared[declaration]), local
            at = at.parent
        return _USUAL.get(prefix, b""), local

    def rdf(self) -> Element | None:
        """The element that holds the descriptions."""
        return next((e for e in self.elements if self.full_name(e.name, e) == (RDF, b"RDF")), None)

    def descriptions(self) -> list[Element]:
        """Those of the photo itself."""
        rdf = self.rdf()
        children = rdf.children if rdf is not None else []
        return [e for e in children if self.full_name(e.name, e) == (RDF, b"Description")]

    def properties(self) -> Iterator[tuple[tuple[bytes, bytes], Element, Element | Attribute]]:
        """Of the photo itself: full name, description, and the element or attribute that holds the value."""
        for description in self.descriptions():
            for attribute in description.attributes:
                if not attribute.name.startswith(b"xmlns"):
                    yield self.full_name(attribute.name, description), description, attribute
            for child in description.children:
                yield self.full_name(child.name, child), description, child

    def declarations(self, element: Element) -> dict[bytes, bytes]:
        """Declarations of namespaces that hold inside an element, name by quoted value."""
        found: dict[bytes, bytes] = {}
        at: Element | None = element
        while at is not None:
            for name, attribute in at.declared.items():
                found.setdefault(name, self.text[attribute.value - 1 : attribute.end])
            at = at.parent
        return found

    def changed(self, changes: Iterable[tuple[int, int, bytes]]) -> bytes:
        """The text with stretches replaced; what lies inside of another that is replaced goes with it."""
        parts, done = [], 0
        for start, end, new in sorted(changes, key=lambda change: (change[0], -change[1])):
            if start >= done:
                parts += [self.text[done:start], new]
                done = end
        return b"".join((*parts, self.text[done:]))

    def at_the_end_of_rdf(self, rdf: Element, added: bytes) -> tuple[int, int, bytes]:
        """The change that adds descriptions."""
        if rdf.inside:
            return rdf.close, rdf.close, added
        slash = self.text.rindex(b"/", rdf.start, rdf.end)
        return slash, rdf.end, b">" + added + b"</" + rdf.name + b">"


def read_packet(xmp: bytes) -> Packet | None:
    """None where it is not well formed, or larger or deeper than any that describes a photograph."""
    try:
        return Packet(xmp)
    except _MalformedError:
        return None
