"""A pseudo-language: every letter of a message gets a mark, all that is not prose stays.

Whatever a reader then sees in plain letters cannot be translated, which is the test for a third
language. The marks are none that Spanish has, so `plain` gives the source back.
"""

from translation import literals
from translation.languages import PSEUDO
from translation.spelling import NOT_PROSE

_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MARKED = "ȧƀċḓẽƒĝħĩĵķŀḿṅȯƥɋŕşŧũṽẇẋẏżȦɃĊḒẼƑĜĦĨĴĶĿḾṄȮƤɊŔŞŦŨṼẆẊẎŻ"
_MARK = str.maketrans(_PLAIN, _MARKED)
_UNMARK = str.maketrans(_MARKED, _PLAIN)


def text(message: str, kind: str = "text") -> str:
    """Return a message in the pseudo-language; placeholders, code, maths and links stay."""
    if kind == "f-string":
        pieces = literals.pieces(message)
        return "".join(part if is_hole else text(part) for is_hole, part in pieces)
    marked, position = [], 0
    for match in NOT_PROSE.finditer(message):
        marked += [message[position : match.start()].translate(_MARK), match[0]]
        position = match.end()
    return "".join(marked) + message[position:].translate(_MARK)


def plain(marked: str) -> str:
    """Return what was marked as it was."""
    return marked.translate(_UNMARK)


def fill(document) -> None:
    """Write the document's catalog in the pseudo-language, all of it translated."""
    from translation import catalogs

    document.update(PSEUDO)
    path = document.catalogs[PSEUDO]
    if not path.exists():
        return
    kinds = {segment.msgid: segment.kind for segment in reversed(document.segments(PSEUDO))}
    catalog = catalogs.read(path)
    for entry in catalog:
        kind = kinds.get(entry.msgid, "text")
        if entry.msgid_plural:
            plural = text(entry.msgid_plural, kind)
            entry.msgstr_plural = {0: text(entry.msgid, kind), 1: plural}
        else:
            entry.msgstr = text(entry.msgid, kind)
        entry.flags = [flag for flag in entry.flags if flag != "fuzzy"]
        entry.previous_msgid = None
    catalog.save(str(path))
