"""XMP packets changed at the places that must change, with every other byte left as it was.

See ISO 16684-1, and for the parts of a JPEG Adobe's "XMP Specification Part 3", section 1.1.3.
"""

from __future__ import annotations

import re
from hashlib import md5

from deoldify.photo.faults import warn
from deoldify.photo.xmp_packet import (
    IPTC,
    LARGEST_XMP,
    NOTE,
    RDF,
    THUMBNAIL,
    TIFF,
    XAP,
    Attribute,
    Element,
    Packet,
    read_packet,
)

_PROMISING = (
    b"http://ns.google.com/photos/1.0/container/", b"http://ns.google.com/photos/1.0/depthmap/",
    b"http://ns.google.com/photos/1.0/image/", b"http://ns.google.com/photos/dd/1.0/",
    b"http://ns.google.com/photos/1.0/audio/", b"http://ns.google.com/photos/1.0/focus/",
    b"http://ns.oplus.com/photos/1.0/camera/", b"http://ns.xiaomi.com/photos/1.0/camera/",
    b"http://ns.adobe.com/hdr-gain-map/", b"http://ns.apple.com/HDRGainMap/", b"http://ns.apple.com/pixeldatainfo/",
    b"http://ns.apple.com/depthData/",
)  # fmt: skip
"""Beginnings of namespaces that promise a gain map, a depth map, sound, a video or further pictures behind the photo's
own."""

_AI_SOURCE = b"http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
_EMPTY = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
_XML_DECLARATION = re.compile(r"\A<\?xml\s[^?<>]{0,200}\?>")
"""It names the encoding that the packet had."""
_MOST_DECLARED = 50_000
"""Declarations of namespaces that are repeated so that each description stands alone."""
_END = re.compile(rb"[ \t\r\n]{0,1048576}<\?xpacket\s{1,8}end")


def cleaned(xmp: bytes | None) -> bytes | None:
    """A packet in UTF-8 without thumbnails, and without promises of what is no longer there; None where it is none."""
    if not xmp:
        return None
    packet = read_packet(_in_utf_8(xmp))
    if packet is None:
        warn("XMP that cannot be read is left out")
        return None
    gone: list[Element | Attribute] = []
    declared: list[Attribute] = []
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
        or local.startswith((b"MotionPhoto", b"MicroVideo"))  # each maker in a namespace of its own
        or (namespace == XAP and local in (b"Thumbnails", b"PageInfo"))
        or namespace == THUMBNAIL
    )


def _in_utf_8(xmp: bytes) -> bytes:
    for mark, encoding in ((b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"),
                           (b"\xfe\xff", "utf-16"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be")):  # fmt: skip
        if xmp.startswith(mark):
            try:
                text = xmp.decode(encoding)
            except UnicodeError:
                return b""
            return _XML_DECLARATION.sub("", text.removeprefix("\ufeff")).encode()
    return xmp


def upright(xmp: bytes) -> bytes:
    """The packet with tiff:Orientation, where it has one, set to 1."""
    packet = read_packet(xmp)
    if packet is None:
        return xmp
    changes = []
    for name, _, holder in packet.properties():
        if name == (TIFF, b"Orientation"):
            start, end = (holder.value, holder.end - 1) if isinstance(holder, Attribute) else (
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
    packet = read_packet(xmp)
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


def _ways_to_label(packet: Packet, rdf: Element) -> list[list[tuple[int, int, bytes]]]:
    """Changes that label a packet: the usual ones, and shorter ones."""
    said: list[tuple[int, int, bytes]] = []
    for name, _, holder in packet.properties():
        if name == (IPTC, b"DigitalSourceType"):
            if isinstance(holder, Attribute):
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
        (packet.value(a) for d in descriptions for a in d.attributes if packet.full_name(a.name, d) == (RDF, b"about")),
        b"",
    )
    whole = (
        b'<%b %b="%b" xmlns:Iptc4xmpExt="%b"><Iptc4xmpExt:DigitalSourceType>%b</Iptc4xmpExt:DigitalSourceType></%b>'
        % (rdf_description, about_name, about.replace(b'"', b"&quot;"), IPTC, _AI_SOURCE, rdf_description)
    )
    ways = [[packet.at_the_end_of_rdf(rdf, whole)]]
    if descriptions:
        at = descriptions[0].start + 1 + len(descriptions[0].name)
        short = b' xmlns:Iptc4xmpExt="%b" Iptc4xmpExt:DigitalSourceType="%b"' % (IPTC, _AI_SOURCE)
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
    packet = read_packet(standard) if standard else None
    if packet is None or standard is None:
        return standard
    named = [
        (holder, packet.value(holder) if isinstance(holder, Attribute) else packet.text[holder.inside : holder.close])
        for name, _, holder in packet.properties()
        if name == (NOTE, b"HasExtendedXMP")
    ]
    rdf = packet.rdf()
    if not named or rdf is None:
        return standard
    changes = [(holder.start, holder.end, b"") for holder, _ in named]
    extended = parts.get(named[0][1].strip())
    more = read_packet(_in_utf_8(extended)) if extended else None
    added = None if more is None else _standing_alone(more)
    if added is None:
        warn("the extended part of its XMP is missing or damaged and is left out")
    else:
        changes.append(packet.at_the_end_of_rdf(rdf, added))
    return packet.changed(changes)


def _standing_alone(packet: Packet) -> bytes | None:
    """The descriptions of a packet, with all declarations that they need; None where that is too much."""
    parts, size, declared = list[bytes](), 0, 0
    for description in packet.descriptions():
        own = {attribute.name for attribute in description.attributes}
        outer = {name: value for name, value in packet.declarations(description).items() if name not in own}
        at = description.start + 1 + len(description.name)
        added = b"".join(b" %b=%b" % pair for pair in outer.items())
        parts += [packet.text[description.start : at], added, packet.text[at : description.end]]
        size, declared = size + description.end - description.start + len(added), declared + len(outer)
        if size > LARGEST_XMP or declared > _MOST_DECLARED:
            return None
    return b"".join(parts)


def _about_and_declarations(packet: Packet, description: Element) -> tuple[bytes, bytes]:
    """What a description needs to say to be one of the same thing, in the same namespaces, elsewhere."""
    about = b"".join(
        packet.text[a.start : a.end]
        for a in description.attributes
        if packet.full_name(a.name, description) == (RDF, b"about")
    )
    return about, b"".join(b" %b=%b" % pair for pair in packet.declarations(description).items())


_REFERENCE = b'<%b %b="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="%b"/>'


def split(xmp: bytes, at_most: int) -> tuple[bytes, bytes, bytes] | None:
    """A packet as a JPEG keeps a long one: the standard packet of ``at_most`` bytes, the GUID of the extended one, and
    that one; the longest properties move there. None where that cannot be done."""
    packet = read_packet(xmp)
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
            if name[0] != RDF
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
    parts, size = list[bytes](), 0
    heads: dict[int, tuple[bytes, bytes]] = {}
    for _, description, holder in sorted(moved, key=lambda each: each[0]):
        if description.start not in heads:
            heads[description.start] = _about_and_declarations(packet, description)
        about, spaces = heads[description.start]
        content = packet.text[holder.start : holder.end]
        if isinstance(holder, Attribute):
            parts.append(b"<%bDescription%b%b%b/>" % (colon, about, spaces, content))
        else:
            parts.append(b"<%bDescription%b%b>%b</%bDescription>" % (colon, about, spaces, content, colon))
        size += len(parts[-1])
        if size > LARGEST_XMP:  # since all that is declared around a property is declared with it anew
            return None
    body = b"".join(parts)
    declared = b"xmlns:" + prefix if prefix else b"xmlns"
    extended = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><%bRDF %b="%b">%b</%bRDF></x:xmpmeta>' % (
        colon, declared, RDF, body, colon
    )  # fmt: skip
    guid = md5(extended, usedforsecurity=False).hexdigest().upper().encode()
    reference = _REFERENCE % (colon + b"Description", colon + b"about", guid)
    changes = [(holder.start, holder.end, b"") for _, _, holder in moved]
    standard = _repadded(packet.changed([*changes, packet.at_the_end_of_rdf(rdf, reference)]), 0)
    return standard, guid, extended
