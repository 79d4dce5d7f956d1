"""XMP packets: read with a bound, and changed at the places that must change, with every other byte left as it was.

A packet is RDF in XML. It is read here in one pass whose time grows with its length, whatever it holds; elements are
known by their namespace and not by their prefix. See ISO 16684-1, and for the parts of a JPEG Adobe's "XMP
Specification Part 3", section 1.1.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import md5

from deoldify.photo.faults import warn

LARGEST_XMP = 1 << 25
"""Bytes of a packet; none that describes a photograph has as many."""
_DEEPEST = 64
_MOST_ELEMENTS = 50_000

_RDF = b"http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_TIFF = b"http://ns.adobe.com/tiff/1.0/"
_IPTC = b"http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_NOTE = b"http://ns.adobe.com/xmp/note/"
_XAP = b"http://ns.adobe.com/xap/1.0/"
_THUMBNAIL = b"http://ns.adobe.com/xap/1.0/g/img/"
_CAMERA = b"http://ns.google.com/photos/1.0/camera/"
_USUAL = {b"rdf": _RDF, b"tiff": _TIFF, b"Iptc4xmpExt": _IPTC, b"xmpNote": _NOTE, b"xmp": _XAP, b"GCamera": _CAMERA}
_PROMISING = (
    b"http://ns.google.com/photos/1.0/container/", b"http://ns.google.com/photos/1.0/depthmap/",
    b"http://ns.google.com/photos/1.0/image/", b"http://ns.google.com/photos/dd/1.0/",
    b"http://ns.adobe.com/hdr-gain-map/", b"http://ns.apple.com/HDRGainMap/", b"http://ns.apple.com/pixeldatainfo/",
    b"http://ns.apple.com/depthData/",
)  # fmt: skip
"""Beginnings of namespaces that promise a gain map, a depth map or further pictures behind the photo's own."""

_AI_SOURCE = b"http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
_EMPTY = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
_END = re.compile(rb"[ \t\r\n]{0,1048576}<\?xpacket\s{1,8}end")


# Reading


@dataclass(eq=False)
class _Attribute:
    """``start`` is that of the white space before it; the value lies between ``value`` and ``end`` - 1."""

    name: bytes
    start: int
    value: int
    end: int


@dataclass(eq=False)
class _Element:
    """``start`` to ``end`` is all of it, ``inside`` to ``close`` its content; both are 0 where it has no end tag."""

    name: bytes
    start: int
    parent: _Element | None
    attributes: list[_Attribute] = field(default_factory=list)
    children: list[_Element] = field(default_factory=list)
    inside: int = 0
    close: int = 0
    end: int = 0


_NAME = re.compile(rb"[^\s<>/=\"'&]+")
_ATTRIBUTE = re.compile(rb"\s+([^\s<>/=\"'&]+)\s*=\s*(\"[^\"<]*\"|'[^'<]*')")
_TAG_END = re.compile(rb"\s*(/?)>")
_SKIPPED = ((b"<!--", b"-->"), (b"<![CDATA[", b"]]>"), (b"<?", b"?>"))


class _MalformedError(ValueError):
    pass


class _Packet:
    """A packet that has been read: its elements, and the text that they lie in."""

    def __init__(self, text: bytes) -> None:
        if len(text) > LARGEST_XMP:
            raise _MalformedError("it is too large")
        self.text = text
        self.root = _Element(b"", 0, None)
        self.elements: list[_Element] = []
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

    def _start_tag(self, at: int, parent: _Element) -> tuple[_Element, bool, int]:
        name = _NAME.match(self.text, at + 1)
        if name is None:
            raise _MalformedError("a tag has no name")
        element, at = _Element(name[0], at, parent), name.end()
        while (match := _ATTRIBUTE.match(self.text, at)) is not None:
            element.attributes.append(_Attribute(match[1], match.start(), match.start(2) + 1, match.end()))
            at = match.end()
        end = _TAG_END.match(self.text, at)
        if end is None:
            raise _MalformedError("a tag has no end")
        element.end = end.end()
        if not end[1]:
            element.inside = end.end()
        return element, bool(end[1]), end.end()

    def value(self, attribute: _Attribute) -> bytes:
        return self.text[attribute.value : attribute.end - 1]

    def full_name(self, name: bytes, element: _Element) -> tuple[bytes, bytes]:
        """Namespace and local name."""
        prefix, colon, local = name.rpartition(b":")
        declaration = b"xmlns:" + prefix if colon else b"xmlns"
        at: _Element | None = element
        while at is not None:
            for attribute in at.attributes:
                if attribute.name == declaration:
                    return self.value(attribute), local
            at = at.parent
        return _USUAL.get(prefix, b""), local

    def rdf(self) -> _Element | None:
        """The element that holds the descriptions."""
        return next((e for e in self.elements if self.full_name(e.name, e) == (_RDF, b"RDF")), None)

    def descriptions(self) -> list[_Element]:
        """Those of the photo itself."""
        rdf = self.rdf()
        children = rdf.children if rdf is not None else []
        return [e for e in children if self.full_name(e.name, e) == (_RDF, b"Description")]

    def properties(self) -> Iterator[tuple[tuple[bytes, bytes], _Element, _Element | _Attribute]]:
        """Of the photo itself: full name, description, and the element or attribute that holds the value."""
        for description in self.descriptions():
            for attribute in description.attributes:
                if not attribute.name.startswith(b"xmlns"):
                    yield self.full_name(attribute.name, description), description, attribute
            for child in description.children:
                yield self.full_name(child.name, child), description, child

    def declarations(self, element: _Element) -> dict[bytes, bytes]:
        """Declarations of namespaces that hold inside an element, name by quoted value."""
        found: dict[bytes, bytes] = {}
        at: _Element | None = element
        while at is not None:
            for attribute in at.attributes:
                if attribute.name.startswith(b"xmlns"):
                    found.setdefault(attribute.name, self.text[attribute.value - 1 : attribute.end])
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

    def at_the_end_of_rdf(self, rdf: _Element, added: bytes) -> tuple[int, int, bytes]:
        """The change that adds descriptions."""
        if rdf.inside:
            return rdf.close, rdf.close, added
        slash = self.text.rindex(b"/", rdf.start, rdf.end)
        return slash, rdf.end, b">" + added + b"</" + rdf.name + b">"


def _read(xmp: bytes) -> _Packet | None:
    try:
        return _Packet(xmp)
    except _MalformedError:
        return None


# Changing


def cleaned(xmp: bytes | None) -> bytes | None:
    """A packet in UTF-8 without thumbnails, and without promises of what is no longer there; None where it is none."""
    if not xmp:
        return None
    packet = _read(_in_utf_8(xmp))
    if packet is None:
        warn("XMP that cannot be read is left out")
        return None
    gone: list[_Element | _Attribute] = []
    declared: list[_Attribute] = []
    for element in packet.elements:
        if _is_of_the_old_picture(*packet.full_name(element.name, element)):
            gone.append(element)
        for attribute in element.attributes:
            if attribute.name.startswith(b"xmlns:"):
                if packet.value(attribute).startswith(_PROMISING):
                    declared.append(attribute)
            elif b":" in attribute.name and _is_of_the_old_picture(*packet.full_name(attribute.name, element)):
                gone.append(attribute)
    changes = [(each.start, each.end, b"") for each in (*gone, *declared)]
    return packet.changed(changes) if changes else packet.text


def _is_of_the_old_picture(namespace: bytes, local: bytes) -> bool:
    return (
        namespace.startswith(_PROMISING)
        or (namespace == _CAMERA and local.startswith((b"MotionPhoto", b"MicroVideo")))
        or (namespace == _XAP and local in (b"Thumbnails", b"PageInfo"))
        or namespace == _THUMBNAIL
    )


def _in_utf_8(xmp: bytes) -> bytes:
    for mark, encoding in ((b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"),
                           (b"\xfe\xff", "utf-16"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be")):  # fmt: skip
        if xmp.startswith(mark):
            try:
                return xmp.decode(encoding).encode()
            except UnicodeError:
                return b""
    return xmp


def upright(xmp: bytes) -> bytes:
    """The packet with tiff:Orientation, where it has one, set to 1."""
    packet = _read(xmp)
    if packet is None:
        return xmp
    changes = []
    for name, _, holder in packet.properties():
        if name == (_TIFF, b"Orientation"):
            start, end = (holder.value, holder.end - 1) if isinstance(holder, _Attribute) else (
                holder.inside, holder.close
            )  # fmt: skip
            if packet.text[start:end].strip() in (b"2", b"3", b"4", b"5", b"6", b"7", b"8"):
                changes.append((start, end, b"1"))
    return packet.changed(changes)


def labelled(xmp: bytes | None, at_most: int | None = None) -> bytes:
    """A packet with the IPTC property DigitalSourceType: made in part by a trained model.

    Args:
        xmp: a packet, the rest of which stays byte for byte as it was, but for padding; None makes a new one.
        at_most: bytes that the packet may have then; where the label does not fit even in place of padding, the packet
            is left as it is.
    """
    xmp = xmp or _EMPTY
    packet = _read(xmp)
    rdf = packet.rdf() if packet is not None else None
    if packet is None or rdf is None:
        warn("its XMP has no place for a label and is left as it is")
        return xmp
    ways = _ways_to_label(packet, rdf)
    for changes in ways:
        new = _repadded(packet.changed(changes), len(xmp))
        if at_most is None or len(new) <= at_most:
            return new
    return xmp


def _ways_to_label(packet: _Packet, rdf: _Element) -> list[list[tuple[int, int, bytes]]]:
    """Changes that label a packet: the usual ones, and shorter ones."""
    said: list[tuple[int, int, bytes]] = []
    for name, _, holder in packet.properties():
        if name == (_IPTC, b"DigitalSourceType"):
            if isinstance(holder, _Attribute):
                said.append((holder.value, holder.end - 1, _AI_SOURCE))
            else:
                said.append((holder.start, holder.end, b"<%b>%b</%b>" % (holder.name, _AI_SOURCE, holder.name)))
    if said:
        return [said]
    prefix = rdf.name.rpartition(b":")[0]
    rdf_description = prefix + b":Description" if prefix else b"Description"
    about_name = prefix + b":about" if prefix else b"about"
    descriptions = packet.descriptions()
    about = next(
        (
            packet.value(a)
            for d in descriptions
            for a in d.attributes
            if packet.full_name(a.name, d) == (_RDF, b"about")
        ),
        b"",
    )
    whole = (
        b'<%b %b="%b" xmlns:Iptc4xmpExt="%b"><Iptc4xmpExt:DigitalSourceType>%b</Iptc4xmpExt:DigitalSourceType></%b>'
        % (rdf_description, about_name, about.replace(b'"', b"&quot;"), _IPTC, _AI_SOURCE, rdf_description)
    )
    ways = [[packet.at_the_end_of_rdf(rdf, whole)]]
    if descriptions:
        at = descriptions[0].start + 1 + len(descriptions[0].name)
        short = b' xmlns:Iptc4xmpExt="%b" Iptc4xmpExt:DigitalSourceType="%b"' % (_IPTC, _AI_SOURCE)
        if not any(a.name == b"xmlns:Iptc4xmpExt" for a in descriptions[0].attributes):
            ways.append([(at, at, short)])
    return ways


def _repadded(xmp: bytes, length: int) -> bytes:
    """The packet at the length that it had, where its padding is enough for that."""
    start = xmp.rfind(b">", 0, max(xmp.rfind(b"<?xpacket"), 0)) + 1
    end = _END.match(xmp, start)
    if not start or end is None:
        return xmp
    padding = xmp.index(b"<", start) - start
    return xmp[:start] + xmp[start + min(padding, max(0, len(xmp) - length)) :]


# Parts of a JPEG


def joined(standard: bytes | None, parts: dict[bytes, bytes]) -> bytes | None:
    """One packet of a JPEG's standard packet and the extended one that it names.

    Args:
        standard: the packet that readers of the first edition see.
        parts: extended packets by their GUIDs.
    """
    packet = _read(standard) if standard else None
    if packet is None or standard is None:
        return standard
    named = [
        (holder, packet.value(holder) if isinstance(holder, _Attribute) else packet.text[holder.inside : holder.close])
        for name, _, holder in packet.properties()
        if name == (_NOTE, b"HasExtendedXMP")
    ]
    rdf = packet.rdf()
    if not named or rdf is None:
        return standard
    changes = [(holder.start, holder.end, b"") for holder, _ in named]
    extended = parts.get(named[0][1].strip())
    more = _read(_in_utf_8(extended)) if extended else None
    if more is None:
        warn("the extended part of its XMP is missing or damaged and is left out")
    else:
        changes.append(packet.at_the_end_of_rdf(rdf, b"".join(_standing_alone(more))))
    return packet.changed(changes)


def _standing_alone(packet: _Packet) -> Iterator[bytes]:
    """The descriptions of a packet, with all declarations that they need."""
    for description in packet.descriptions():
        own = {attribute.name for attribute in description.attributes}
        outer = {name: value for name, value in packet.declarations(description).items() if name not in own}
        at = description.start + 1 + len(description.name)
        added = b"".join(b" %b=%b" % pair for pair in outer.items())
        yield packet.text[description.start : at] + added + packet.text[at : description.end]


_REFERENCE = b'<%b %b="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="%b"/>'


def split(xmp: bytes, at_most: int) -> tuple[bytes, bytes, bytes] | None:
    """A packet as a JPEG keeps a long one: the standard packet of ``at_most`` bytes, the GUID of the extended one, and
    that one; the longest properties move there. None where that cannot be done."""
    packet = _read(xmp)
    rdf = packet.rdf() if packet is not None else None
    if packet is None or rdf is None:
        return None
    prefix = rdf.name.rpartition(b":")[0]
    colon = prefix + b":" if prefix else b""
    reserve = len(_REFERENCE) + 2 * len(colon) + 64
    longest = sorted(
        (
            (holder.end - holder.start, index, description, holder)
            for index, (name, description, holder) in enumerate(packet.properties())
            if name[0] != _RDF
        ),
        key=lambda found: -found[0],
    )
    left = len(_repadded(xmp, 0)) + reserve
    moved = []
    for size, index, description, holder in longest:
        if left <= at_most:
            break
        left -= size
        moved.append((index, description, holder))
    if left > at_most or not moved:
        return None
    body = b""
    for _, description, holder in sorted(moved, key=lambda each: each[0]):
        about = b"".join(
            packet.text[a.start : a.end]
            for a in description.attributes
            if packet.full_name(a.name, description) == (_RDF, b"about")
        )
        spaces = b"".join(b" %b=%b" % pair for pair in packet.declarations(description).items())
        content = packet.text[holder.start : holder.end]
        if isinstance(holder, _Attribute):
            body += b"<%bDescription%b%b%b/>" % (colon, about, spaces, content)
        else:
            body += b"<%bDescription%b%b>%b</%bDescription>" % (colon, about, spaces, content, colon)
    declared = b"xmlns:" + prefix if prefix else b"xmlns"
    extended = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><%bRDF %b="%b">%b</%bRDF></x:xmpmeta>' % (
        colon, declared, _RDF, body, colon
    )  # fmt: skip
    guid = md5(extended, usedforsecurity=False).hexdigest().upper().encode()
    reference = _REFERENCE % (colon + b"Description", colon + b"about", guid)
    changes = [(holder.start, holder.end, b"") for _, _, holder in moved]
    standard = _repadded(packet.changed([*changes, packet.at_the_end_of_rdf(rdf, reference)]), 0)
    return standard, guid, extended
