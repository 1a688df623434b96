"""References between H.264 frames, from their slice headers (ITU-T H.264, 7.3.3, 8.2.4 and 8.2.5). Pure.

Encoders let B-frames refer to neighbouring B-frames, and mark those no differently from frames that everything after
depends on. Only the reference lists show that they can be skipped. Only frame coding and short-term references are
supported; everything else raises `UnknownError`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from framefleet.media.video.codecs.nal import (
    Bits,
    Framing,
    UnknownError,
    record_units,
)

_P, _B, _I, _SP, _SI = range(5)
_HEAD = 512  # bytes of a slice that contain its header
_HIGH = {100, 110, 122, 244, 44, 83, 86, 118, 128, 134, 135, 138, 139}  # profiles with a chroma format in the SPS


@dataclass(frozen=True, slots=True)
class _Sps:
    frame_num_bits: int
    poc_type: int
    poc_bits: int
    delta_always_zero: bool
    references: int
    has_chroma: bool
    size: int  # in macroblocks


@dataclass(frozen=True, slots=True)
class _Pps:
    sps: int
    has_bottom_delta: bool
    active: tuple[int, int]
    weighted: bool
    weighted_bi: bool
    has_redundant: bool


@dataclass(frozen=True, slots=True)
class _Reference:
    place: int
    number: int  # frame_num
    pts: int


@dataclass(slots=True)
class References:
    """The decoder's list of reference frames through a GOP whose first frame refers to no other."""

    _sps: dict[int, _Sps] = field(default_factory=dict)
    _pps: dict[int, _Pps] = field(default_factory=dict)
    _kept: list[_Reference] = field(default_factory=list)
    annex_b: bool = False
    _last: int | None = None  # frame_num of the last reference frame; None before the first

    def configure(self, extradata: bytes) -> None:
        """Read the parameter sets of an `avcC` record (ISO/IEC 14496-15, 5.3.3.1), or of Annex B."""
        self.annex_b = is_annex_b(extradata)
        for unit in units(extradata, annex_b=True) if self.annex_b else record_units("h264", extradata):
            self._parameters(unit)

    @property
    def poc_types(self) -> set[int]:
        """The picture order count types of the parameter sets."""
        return {sps.poc_type for sps in self._sps.values()}

    def add(self, place: int, pts: int, data: bytes, *, leads: bool = False) -> "CodedPicture":
        """Add the next frame in decoding order, and return it. Raises `UnknownError` if it is not supported.

        A leading frame (`leads`) is shown before the first one, and refers to earlier frames: its references are
        ignored.
        """
        refers: set[int] = set()
        head: SliceHeader | None = None
        for unit in units(data, annex_b=self.annex_b):
            kind = unit[0] & 31
            if kind in (7, 8):
                self._parameters(unit)
            elif kind in (1, 5):
                head = SliceHeader(unit, self._sps, self._pps)
                if kind == 5:
                    self._kept = []
                elif self._last is None:  # of an open GOP: frame_num continues from any value
                    if head.kind != _I:
                        raise UnknownError
                elif head.number not in (self._last, (self._last + 1) % head.modulus):
                    raise UnknownError  # a missing frame
                if not leads:
                    refers |= {reference.place for reference in self._lists(head, pts)}
            elif kind in (2, 3, 4, 20):
                raise UnknownError
        if head is None:
            raise UnknownError
        if head.is_reference:
            self._mark(head, _Reference(place, head.number, pts))
            self._last = head.number
        return CodedPicture(head, refers)

    def _parameters(self, unit: bytes) -> None:
        if unit and unit[0] & 31 == 7:
            number, sps = _read_sps(Bits(unit[1:]))
            self._sps[number] = sps
        elif unit and unit[0] & 31 == 8:
            number, pps = _read_pps(Bits(unit[1:]))
            self._pps[number] = pps

    def _lists(self, head: "SliceHeader", pts: int) -> Iterator[_Reference]:
        past = sorted((r for r in self._kept if r.pts < pts), key=lambda r: -r.pts)
        future = sorted((r for r in self._kept if r.pts >= pts), key=lambda r: r.pts)
        if head.kind == _P:
            lists = [sorted(self._kept, key=lambda r: -head.wrapped(r.number))]
        elif head.kind == _B:
            lists = [past + future, future + past]
            if len(self._kept) > 1 and lists[0] == lists[1]:
                lists[1] = [lists[1][1], lists[1][0], *lists[1][2:]]
        else:
            return
        for initial, changes, active in zip(lists, head.changes, head.active, strict=False):
            yield from self._changed(head, initial[:active], changes)[:active]

    def _changed(self, head: "SliceHeader", references: list[_Reference], changes: list[int]) -> list[_Reference]:
        number = head.number
        for index, change in enumerate(changes):
            number = (number + change) % head.modulus
            moved = next((r for r in self._kept if r.number == number), None)
            if moved is None:
                raise UnknownError
            rest = [r for r in references[index:] if r is not moved]
            references = [*references[:index], moved, *rest]
        return references

    def _mark(self, head: "SliceHeader", this: _Reference) -> None:
        for gone in head.unmarked:
            self._kept = [r for r in self._kept if r.number != (head.number - gone) % head.modulus]
        if head.slides and len(self._kept) >= max(1, head.sps.references):
            self._kept.remove(min(self._kept, key=lambda r: head.wrapped(r.number)))
        self._kept.append(this)


class SliceHeader:
    """A slice header, as far as references need it. `order` are the bits of its picture order count."""

    def __init__(self, unit: bytes, all_sps: dict[int, _Sps], all_pps: dict[int, _Pps]) -> None:
        bits = Bits(unit[1:_HEAD])
        self.nal_header = unit[0]
        self.parameter_sets = all_pps.keys()
        self.is_reference = bool(unit[0] & 0x60)
        is_idr = unit[0] & 31 == 5
        bits.ue()
        self.kind = bits.ue() % 5
        if self.kind in (_SP, _SI):
            raise UnknownError
        try:
            pps = all_pps[bits.ue()]
            sps = all_sps[pps.sps]
        except KeyError:
            raise UnknownError from None
        self.sps, self.pps = sps, pps
        self.modulus = 1 << sps.frame_num_bits
        self.number = bits.u(sps.frame_num_bits)
        if is_idr:
            bits.ue()
        self.order = bits.since(lambda: _skip_order(bits, sps, pps))
        if pps.has_redundant:
            bits.ue()
        self.active = self._active(bits, pps)
        self.changes = [_read_changes(bits) for _ in range({_P: 1, _B: 2}.get(self.kind, 0))]
        if (pps.weighted and self.kind == _P) or (pps.weighted_bi and self.kind == _B):
            _skip_weights(bits, self.active[: len(self.changes)], has_chroma=sps.has_chroma)
        self.slides = True
        self.unmarked: list[int] = []
        if self.is_reference:
            self._marking(bits, is_idr=is_idr)

    def wrapped(self, number: int) -> int:
        """Return FrameNumWrap (8-27)."""
        return number - self.modulus if number > self.number else number

    def _active(self, bits: Bits, pps: _Pps) -> tuple[int, int]:
        if self.kind == _I:
            return 0, 0
        if self.kind == _B:
            bits.u(1)  # direct_spatial_mv_pred_flag
        if not bits.u(1):
            return pps.active
        first = bits.ue() + 1
        return first, bits.ue() + 1 if self.kind == _B else 0

    def _marking(self, bits: Bits, *, is_idr: bool) -> None:
        if is_idr:
            bits.u(1)
            if bits.u(1):  # long_term_reference_flag
                raise UnknownError
        elif bits.u(1):
            self.slides = False
            while operation := bits.ue():
                if operation != 1:  # long-term references
                    raise UnknownError
                self.unmarked.append(bits.ue() + 1)


@dataclass(frozen=True, slots=True)
class CodedPicture:
    """A frame: its (last) slice header, and the indices of the frames that it may refer to."""

    head: SliceHeader
    refers: set[int]


def is_in_order(extradata: bytes) -> bool:
    """Return whether decoding order is display order: picture order count type 2 (8.2.1)."""
    references = References()
    try:
        references.configure(extradata)
    except (UnknownError, IndexError):
        return False
    return references.poc_types == {2}


def is_idr(packet: bytes, extradata: bytes) -> bool:
    """Return whether the packet holds an IDR frame, at which a decoder resets its state."""
    return any(unit[0] & 31 == 5 for unit in units(packet, annex_b=is_annex_b(extradata)))


def is_entry(packet: bytes, extradata: bytes) -> bool:
    """Return whether a decoder that starts here returns the same frames from here on as one that started earlier.

    That is an IDR frame, or the I-frame of an open GOP with a recovery point that is exact and after 0 frames. FFmpeg
    also marks frames as keyframes after which others recover only gradually (intra refresh).
    """
    recovers = False
    for unit in units(packet, annex_b=is_annex_b(extradata)):
        kind = unit[0] & 31
        if kind == 5:
            return True
        if kind == 6:
            recovers = recovers or _recovers_at_once(unit)
        elif 1 <= kind <= 4:
            return recovers and kind == 1 and _begins_with_i(unit)
    return False


def _recovers_at_once(unit: bytes) -> bool:
    """Return whether an SEI unit (7.3.2.3.1) has an exact recovery point (D.1.8) after 0 frames."""
    data = unit[1:].replace(b"\0\0\3", b"\0\0")
    at = 0
    while at + 2 < len(data):  # the last byte is the unit's end
        kind, at = _added_up(data, at)
        size, at = _added_up(data, at)
        if kind == 6:
            return data[at : at + 1] >= b"\xc0"  # recovery_frame_cnt 0 (one bit, 1), exact_match_flag 1
        at += size
    return False


def _added_up(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    while data[at : at + 1] == b"\xff":
        value, at = value + 255, at + 1
    return value + (data[at] if at < len(data) else 0), at + 1


def _begins_with_i(unit: bytes) -> bool:
    bits = Bits(unit[1:12])
    bits.ue()
    return bits.ue() % 5 == _I


def is_annex_b(extradata: bytes) -> bool:
    """Return whether packets are framed by start codes, and not, with an `avcC` record, by lengths."""
    return extradata[:1] != b"\1"


def units(data: bytes, *, annex_b: bool) -> Iterator[bytes]:
    """Yield the NAL units of a packet, or of Annex B parameter sets."""
    return Framing("h264", 0 if annex_b else 4).units(data)


def _read_sps(bits: Bits) -> tuple[int, _Sps]:
    profile = bits.u(8)
    bits.u(16)
    number = bits.ue()
    chroma = 1
    if profile in _HIGH:
        chroma = bits.ue()
        if chroma == 3 and bits.u(1):  # separate_colour_plane_flag
            raise UnknownError
        bits.ue(), bits.ue(), bits.u(1)
        if bits.u(1):
            raise UnknownError  # scaling lists are not supported
    frame_num_bits = bits.ue() + 4
    poc_type = bits.ue()
    poc_bits, always_zero = 0, False
    if poc_type == 0:
        poc_bits = bits.ue() + 4
    elif poc_type == 1:
        always_zero = bool(bits.u(1))
        bits.se(), bits.se()
        for _ in range(bits.ue()):
            bits.se()
    references = bits.ue()
    bits.u(1)
    size = (bits.ue() + 1) * (bits.ue() + 1)
    if not bits.u(1):  # frame_mbs_only_flag
        raise UnknownError
    return number, _Sps(frame_num_bits, poc_type, poc_bits, always_zero, references, chroma != 0, size)


def _read_pps(bits: Bits) -> tuple[int, _Pps]:
    number, sps = bits.ue(), bits.ue()
    bits.u(1)
    has_bottom_delta = bool(bits.u(1))
    if bits.ue():  # slice groups
        raise UnknownError
    active = bits.ue() + 1, bits.ue() + 1
    weighted, weighted_bi = bool(bits.u(1)), bits.u(2) == 1
    bits.se(), bits.se(), bits.se(), bits.u(2)
    return number, _Pps(sps, has_bottom_delta, active, weighted, weighted_bi, bool(bits.u(1)))


def _skip_order(bits: Bits, sps: _Sps, pps: _Pps) -> None:
    if sps.poc_type == 0:
        bits.u(sps.poc_bits)
        if pps.has_bottom_delta:
            bits.se()
    elif sps.poc_type == 1 and not sps.delta_always_zero:
        bits.se()
        if pps.has_bottom_delta:
            bits.se()


def _read_changes(bits: Bits) -> list[int]:
    """Return each modification of a list as the step from one picture number to the next."""
    changes: list[int] = []
    if bits.u(1):
        while (operation := bits.ue()) != 3:
            if operation > 1:
                raise UnknownError
            step = bits.ue() + 1
            changes.append(step if operation else -step)
    return changes


def _skip_weights(bits: Bits, active: tuple[int, ...], *, has_chroma: bool) -> None:
    bits.ue()
    if has_chroma:
        bits.ue()
    for count in active:
        for _ in range(count):
            for values in (2, 4)[: 1 + has_chroma]:
                if bits.u(1):
                    for _ in range(values):
                        bits.se()
