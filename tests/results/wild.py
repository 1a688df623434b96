"""Documents with anything in them that the schema allows: numbers of any size, boxes inside out, empty lists, nulls."""

from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from framefleet.schema.document import Document
from tests.outputs.export.documents import texts
from tests.results.make import make_document

_FLOATS = [0.0, -0.0, 0.5, 1.0, 1.5, 2.0, -1.0, -3.25, 100.0, 1e-9, 5e-324, 1e9, 1e15, -1e15, 1e300, 1e308, -1e308]
_INTS = [0, 1, 2, 3, -1, 79, 1000, 2**31, 2**53, 2**63 - 1, 2**64 - 1, -(2**63)]
_floats = st.sampled_from(_FLOATS) | st.floats(allow_nan=False, allow_infinity=False)
_ints = st.sampled_from(_INTS) | st.integers(0, 5)


def wild_documents() -> st.SearchStrategy[Document]:
    """Each field of a document as it usually is, or as wild as its type."""
    plain = make_document()
    fields = {field.name: field.type for field in _struct(Document).fields}
    parts = {name: st.just(getattr(plain, name)) | of_type(kind) for name, kind in fields.items()}
    return st.fixed_dictionaries(parts).map(_document)


def _document(made: dict[str, Any]) -> Document:
    given = {name: part for name, part in made.items() if part is not msgspec.UNSET}
    return msgspec.convert(msgspec.to_builtins(given), Document)


def of_type(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Whatever msgspec would read as that type."""
    match kind:
        case inspect.AnyType():
            return st.none() | _ints | texts | st.lists(texts, max_size=2)
        case inspect.NoneType():
            return st.none()
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType():
            return _ints if kind.ge is None else st.integers(kind.ge, kind.le)
        case inspect.FloatType():
            return _floats
        case inspect.StrType():
            return texts if kind.pattern is None else st.from_regex(kind.pattern)
        case inspect.LiteralType():
            return st.sampled_from(kind.values)
        case inspect.UnionType():
            return st.one_of(*map(of_type, kind.types))
        case inspect.ListType():
            return st.lists(of_type(kind.item_type), max_size=4)
        case inspect.TupleType():
            return st.tuples(*map(of_type, kind.item_types))
        case inspect.VarTupleType():
            return st.lists(of_type(kind.item_type), max_size=4).map(tuple)
        case inspect.DictType():
            return st.dictionaries(of_type(kind.key_type), of_type(kind.value_type), max_size=3)
        case inspect.StructType():
            return st.fixed_dictionaries({field.name: of_type(field.type) for field in kind.fields})
        case inspect.AnyType():
            return st.none() | texts | st.lists(_ints, max_size=2)
    raise NotImplementedError(kind)


def _struct(kind: type) -> inspect.StructType:
    found = inspect.type_info(kind)
    assert isinstance(found, inspect.StructType)
    return found
