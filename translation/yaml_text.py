"""Texts for readers in YAML: front matter of pages, titles in the book's `myst.yml`, courses.

Three forms: keys that hold text (`title: Olas`), a table of words (JSON is YAML), and texts that
stand in several languages side by side (`title: {es: Olas, en: Waves}`).
"""

import json
from collections.abc import Iterator

import yaml

from translation.languages import SOURCE
from translation.segments import Segment, TranslationError, has_words

TEXT_KEYS = frozenset({"title", "short_title", "subtitle", "description", "keywords"})


def segments(text: str, nested: bool = True) -> list[Segment]:
    """Return the values of keys that hold text, in order; none for a text that is not YAML.

    With `nested` false only the keys of the outermost mapping count (front matter).
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError):  # ValueError: a date that is none
        return []
    return [_segment(text, node) for node in _texts(root, nested)]


def is_mapping(text: str) -> bool:
    """Say whether a text is a YAML mapping (front matter), rather than prose between two rules."""
    try:
        return isinstance(yaml.compose(text, Loader=yaml.SafeLoader), yaml.MappingNode)
    except (yaml.YAMLError, ValueError):
        return False


def _texts(node: yaml.Node | None, nested: bool) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _texts(child, nested)
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value in TEXT_KEYS:
            values = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for scalar in values:
                if isinstance(scalar, yaml.ScalarNode) and has_words(scalar.value):
                    yield scalar
        elif nested:
            yield from _texts(value, nested)


def _segment(text: str, node: yaml.ScalarNode) -> Segment:
    start, end = node.start_mark.index, node.end_mark.index
    # A block scalar ends after its line end, which stays.
    end = start + len(text[start:end].rstrip())
    return Segment(node.value.strip(), start, end, node.start_mark.line + 1, "yaml", write=scalar)


def scalar(value: str) -> str:
    """Return a string as YAML on one line, plain where YAML reads it back unchanged."""
    try:
        if yaml.safe_load(f"k: {value}") == {"k": value}:
            if yaml.safe_load(f"[{value}]") == [value]:
                return value
    except (yaml.YAMLError, ValueError):
        pass
    return json.dumps(value, ensure_ascii=False)


def difference(before: str, after: str) -> str | None:
    """Say what differs in two YAML texts beside the values of keys that hold text, or None."""
    try:
        old, new = yaml.safe_load(before), yaml.safe_load(after)
    except (yaml.YAMLError, ValueError) as error:
        return f"it would no longer be YAML ({error})"
    return None if _without_text(old) == _without_text(new) else "more than titles would change"


def frame(text: str) -> object:
    """Return what a translation of front matter may not change, comparable with `==`."""
    try:
        # All scalars as strings: a date that is none is not our business. As safe as SafeLoader.
        data = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    except yaml.YAMLError:
        return text
    return {k: "" if k in TEXT_KEYS else v for k, v in data.items()}


def _without_text(value: object) -> object:
    if isinstance(value, dict):
        return {k: "" if k in TEXT_KEYS else _without_text(v) for k, v in value.items()}
    return [_without_text(v) for v in value] if isinstance(value, list) else value


def words(text: str) -> list[Segment]:
    """Return all values of a table of words in JSON (key: sentence)."""
    return [
        Segment(
            value.value,
            value.start_mark.index,
            value.end_mark.index,
            value.start_mark.line + 1,
            "string",
            (key.value,),
            write=lambda new: json.dumps(new, ensure_ascii=False),
        )
        for key, value in _root(text).value
        if isinstance(value, yaml.ScalarNode) and any(map(str.isalpha, value.value))
    ]


def words_difference(before: str, after: str) -> str | None:
    """Say what differs in two tables of words beside the sentences, or None."""
    return None if list(json.loads(before)) == list(json.loads(after)) else "the keys would change"


def side_by_side(text: str, language: str) -> list[Segment]:
    """Return the source's texts that do not stand there in `language` as well.

    A translation is put beside the source's, as one more key.
    """
    return [
        _beside(text, node, path, language)
        for node, path in _mappings(_root(text), ())
        if language not in {key.value for key, _ in node.value}
    ]


def side_by_side_difference(before: str, after: str, language: str) -> str | None:
    """Say what differs in two such YAML texts beside texts in `language`, or None."""
    try:
        same = yaml.safe_load(before) == _without(yaml.safe_load(after), language)
    except (yaml.YAMLError, ValueError) as error:
        return f"it would no longer be YAML ({error})"
    return None if same else "more than titles would change"


def _root(text: str) -> yaml.MappingNode:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise TranslationError(str(error)) from error
    if not isinstance(root, yaml.MappingNode):
        raise TranslationError("'key: value' lines expected")
    return root


def _mappings(node: yaml.Node, path: tuple[str, ...]) -> Iterator[tuple[yaml.MappingNode, tuple]]:
    """Yield the mappings from languages to texts, each with the keys that lead to it."""
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _mappings(child, path)
    if not isinstance(node, yaml.MappingNode):
        return
    children = {key.value: value for key, value in node.value}
    if isinstance(children.get(SOURCE), yaml.ScalarNode):
        yield node, path
        return
    for key, value in children.items():
        yield from _mappings(value, (*path, str(key)))


def _beside(text: str, node: yaml.MappingNode, path: tuple, language: str) -> Segment:
    key, value = next(pair for pair in node.value if pair[0].value == SOURCE)
    end = value.start_mark.index + len(text[value.start_mark.index : value.end_mark.index].rstrip())
    between = ", " if node.flow_style else "\n" + " " * key.start_mark.column

    def write(new: str) -> str:
        return f"{between}{language}: {scalar(new)}"

    return Segment(
        value.value.strip(), end, end, key.start_mark.line + 1, "yaml", path, write=write
    )


def _without(value: object, language: str) -> object:
    if isinstance(value, dict):
        beside = SOURCE in value
        return {
            k: _without(v, language) for k, v in value.items() if not (beside and k == language)
        }
    return [_without(v, language) for v in value] if isinstance(value, list) else value
