"""Language tags of audio tracks, which files write in two or three letters: `de`, `deu` and `ger` are one language.

Pure. The codes are those of ISO 639-1, each with its codes of ISO 639-2 (terminological, then bibliographic if it
differs).
"""

import re

_CODES = """
    aa:aar ab:abk ae:ave af:afr ak:aka am:amh an:arg ar:ara as:asm av:ava ay:aym az:aze ba:bak be:bel bg:bul bh:bih
    bi:bis bm:bam bn:ben bo:bod:tib br:bre bs:bos ca:cat ce:che ch:cha co:cos cr:cre cs:ces:cze cu:chu cv:chv
    cy:cym:wel da:dan de:deu:ger dv:div dz:dzo ee:ewe el:ell:gre en:eng eo:epo es:spa et:est eu:eus:baq fa:fas:per
    ff:ful fi:fin fj:fij fo:fao fr:fra:fre fy:fry ga:gle gd:gla gl:glg gn:grn gu:guj gv:glv ha:hau he:heb hi:hin
    ho:hmo hr:hrv ht:hat hu:hun hy:hye:arm hz:her ia:ina id:ind ie:ile ig:ibo ii:iii ik:ipk in:ind io:ido is:isl:ice
    it:ita iu:iku iw:heb ja:jpn ji:yid jv:jav jw:jav ka:kat:geo kg:kon ki:kik kj:kua kk:kaz kl:kal km:khm kn:kan
    ko:kor kr:kau ks:kas ku:kur kv:kom kw:cor ky:kir la:lat lb:ltz lg:lug li:lim ln:lin lo:lao lt:lit lu:lub lv:lav
    mg:mlg mh:mah mi:mri:mao mk:mkd:mac ml:mal mn:mon mo:mol mr:mar ms:msa:may mt:mlt my:mya:bur na:nau nb:nob
    nd:nde ne:nep ng:ndo nl:nld:dut nn:nno no:nor nr:nbl nv:nav ny:nya oc:oci oj:oji om:orm or:ori os:oss pa:pan
    pi:pli pl:pol ps:pus pt:por qu:que rm:roh rn:run ro:ron:rum ru:rus rw:kin sa:san sc:srd sd:snd se:sme sg:sag
    sh:hbs si:sin sk:slk:slo sl:slv sm:smo sn:sna so:som sq:sqi:alb sr:srp ss:ssw st:sot su:sun sv:swe sw:swa ta:tam
    te:tel tg:tgk th:tha ti:tir tk:tuk tl:tgl tn:tsn to:ton tr:tur ts:tso tt:tat tw:twi ty:tah ug:uig uk:ukr ur:urd
    uz:uzb ve:ven vi:vie vo:vol wa:wln wo:wol xh:xho yi:yid yo:yor za:zha zh:zho:chi zu:zul
"""

_ONE_CODE = {code: group.split(":")[1] for group in _CODES.split() for code in group.split(":")}
_OLD = {"in", "iw", "ji", "jw", "mo"}
_SHORT = {long: short for short, long, *_ in (group.split(":") for group in _CODES.split()) if short not in _OLD}


def same_language(one: str, other: str) -> bool:
    """Return whether two tags name the same language, whatever their regions and scripts."""
    return _language(one) == _language(other)


def as_in_mp4(tag: str | None) -> str | None:
    """Return the tag's three letters of ISO 639-2/T, such as `deu`; None if it has none."""
    code = _language(tag or "")
    return code if re.fullmatch("[a-z]{3}", code) else None


def as_in_names(tag: str | None) -> str | None:
    """Return the tag for a file name, as in `clip.de.srt`, in two letters if possible; None if it is not a tag."""
    code = re.split("[-_]", (tag or "").lower())[0]
    code = _SHORT.get(_ONE_CODE.get(code, code), code)
    return code if re.fullmatch("[a-z]{2,3}", code) else None


def _language(tag: str) -> str:
    code = re.split("[-_]", tag.lower())[0]
    return _ONE_CODE.get(code, code)
