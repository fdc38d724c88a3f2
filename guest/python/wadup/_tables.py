"""Which table a class of records is: ``docs/reference/python.md`` has the rules.

Types are known by their names, so that none of the modules that define them is imported here.
"""

import types
import typing
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Literal, NamedTuple, TypeVar, cast

from ._native import Table, TableError, define_table

_Model = TypeVar("_Model")
_DataColumn = tuple[str, Literal["Int64", "Float64", "String"]]

_BOOL, _INT, _FLOAT, _STR, _JSON = "bool", "Int64", "Float64", "String", "JSON"
_HINT = (
    "leave the field out (pydantic: Field(exclude=True)), convert it in a computed field, "
    "or make another class for the table"
)


class _Column(NamedTuple):
    """How a value is stored."""

    kind: str
    #: What becomes of a value that is none of the column's own Python type, or of any: a
    #: function, or the name of a method.
    convert: Callable[[Any], object] | str | None = None


class _Unsupported(TypeError):
    """A type that there is no column for."""


def table(model: type[_Model], name: str | None = None) -> Table[_Model]:
    """The table whose rows are instances of `model`: a pydantic model, a dataclass or a
    ``TypedDict``. It is called like the class, in snake case, unless `name` says otherwise.

    Its columns are the fields. Of a field that is such a class itself, they are named after
    both (``address_city``); lists, dicts and unions are JSON text. A field that has no column
    type is a :class:`TableError`.

    Make it when the module is imported, not in ``main()``: then every input finds it ready."""
    name = _snake(_name(model)) if name is None else name
    found = record(model)
    if found is None:
        raise TypeError(
            "a table is made of a pydantic model, a dataclass or a TypedDict, "
            f"got {_shown(model)}"
        )
    columns: list[_DataColumn] = []
    fields = _plan(found, name, "", columns, (model,))
    define_table(name, columns)
    return Table(name, found.instance, fields)


# --- fields of a class ---------------------------------------------------------------------


class _Record(NamedTuple):
    """A class with fields."""

    #: What an instance is an instance of; None for a TypedDict.
    instance: type | None
    #: Name, annotation, and whether it is to be asked for as an attribute.
    fields: list[tuple[str, Any, bool]]
    #: Whether it stands for its only field (a pydantic RootModel).
    is_root: bool = False


def record(model: Any, arguments: tuple[Any, ...] = ()) -> _Record | None:
    origin = typing.get_origin(model)
    if origin is not None:
        return record(origin, typing.get_args(model)) if isinstance(origin, type) else None
    if not isinstance(model, type):
        return None
    if hasattr(model, "__dataclass_fields__"):
        parameters = _parameters(model, arguments)
        hints = _hints(model)
        names = [f.name for f in model.__dataclass_fields__.values() if _is_field(f)]
        fields = [(name, _bound(hints[name], parameters), False) for name in names]
        return _Record(model, [*fields, *_computed(model)])
    if hasattr(model, "__pydantic_fields__"):
        fields = _pydantic_fields(model)
        return _Record(model, fields, bool(getattr(model, "__pydantic_root_model__", False)))
    if hasattr(model, "__required_keys__"):
        hints, parameters = _hints(model), _parameters(model, arguments)
        return _Record(None, [(key, _bound(hints[key], parameters), False) for key in hints])
    return None


def _is_field(field: Any) -> bool:
    # ClassVar and InitVar are no fields; a pydantic dataclass may leave some out.
    kind = getattr(field._field_type, "name", "")
    return kind == "_FIELD" and not getattr(field.default, "exclude", False)


def _pydantic_fields(model: Any) -> list[tuple[str, Any, bool]]:
    if not model.__pydantic_complete__:
        try:
            model.model_rebuild()
        except NameError as error:
            raise TableError(f"the annotations of {_shown(model)} cannot be read: {error}") from error
    fields = [
        (name, field.annotation, False)
        for name, field in model.__pydantic_fields__.items()
        if not field.exclude
    ]
    return [*fields, *_computed(model)]


def _computed(model: Any) -> list[tuple[str, Any, bool]]:
    decorators = getattr(model, "__pydantic_decorators__", None)
    if decorators is None:
        return []
    computed = decorators.computed_fields.items()
    return [(name, field.info.return_type, True) for name, field in computed]


def _hints(model: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(model, include_extras=True)
    except NameError as error:
        raise TableError(f"the annotations of {_shown(model)} cannot be read: {error}") from error


def _parameters(model: Any, arguments: tuple[Any, ...]) -> dict[Any, Any]:
    return dict(zip(getattr(model, "__parameters__", ()), arguments))


def _bound(annotation: Any, parameters: dict[Any, Any]) -> Any:
    """The annotation of a generic class's field, with what its parameters are."""
    if annotation in parameters:
        return parameters[annotation]
    variables = getattr(annotation, "__parameters__", ())
    if not parameters or not variables:
        return annotation
    return annotation[tuple(parameters.get(variable, variable) for variable in variables)]


def optional_fields(model: Any) -> dict[str, bool]:
    """The names, in an input, of fields that can do without a value, and whether they take
    None rather than being left out."""
    optional: dict[str, bool] = {}
    for name, annotation, names in _input_fields(model):
        takes_none = _peeled(annotation)[1]
        if takes_none or _has_default(model, name):
            optional.update(dict.fromkeys(names, takes_none))
    return optional


def _input_fields(model: Any) -> list[tuple[str, Any, list[str]]]:
    """The fields that an input has values for, also those that are no columns: name, annotation,
    and what it may be called there."""
    fields = getattr(model, "__pydantic_fields__", None)
    if fields is not None:
        return [(name, field.annotation, [name, *_aliases(field)]) for name, field in fields.items()]
    found = record(model)
    if found is None:
        return []
    return [(name, annotation, [name]) for name, annotation, _ in found.fields]


def _aliases(field: Any) -> list[str]:
    validation = field.validation_alias
    choices = getattr(validation, "choices", [validation])
    # A path leads into a value, which a cell is not, unless it has one step.
    paths = (getattr(choice, "path", [choice]) for choice in [field.alias, *choices])
    return [path[0] for path in paths if len(path) == 1 and isinstance(path[0], str)]


def _has_default(model: Any, name: str) -> bool:
    if name in getattr(model, "__pydantic_fields__", {}):
        return not model.__pydantic_fields__[name].is_required()
    if name in getattr(model, "__dataclass_fields__", {}):
        field = model.__dataclass_fields__[name]
        # Both are the same mark if there is none.
        return field.default is not field.default_factory
    return name in getattr(model, "__optional_keys__", ())


# --- columns of a record -------------------------------------------------------------------


def _plan(
    found: _Record,
    table: str,
    prefix: str,
    columns: list[_DataColumn],
    path: tuple[Any, ...],
) -> list[tuple[Any, ...]]:
    """What the native half is to do with each field; `columns` gets the columns."""
    plan: list[tuple[Any, ...]] = []
    for name, annotation, is_attribute in found.fields:
        column = prefix.rstrip("_") if found.is_root and prefix else prefix + name
        inner, _ = _peeled(annotation)
        is_attribute = is_attribute or _is_descriptor(found.instance, name)
        if nested := record(inner):
            if inner in path:
                raise _error(table, path[-1], name, annotation, "it contains itself")
            within = "" if not column else column + "_"
            fields = _plan(nested, table, within, columns, (*path, inner))
            plan.append((name, is_attribute, nested.instance, fields))
            continue
        try:
            kind, convert = _column(annotation)
        except _Unsupported as why:
            raise _error(table, path[-1], name, annotation, str(why)) from None
        data_type = {_JSON: _STR, _BOOL: _INT}.get(kind, kind)
        columns.append((column, cast(Any, data_type)))
        plan.append((name, is_attribute, _encode() if kind == _JSON else convert, kind == _JSON))
    return plan


def _is_descriptor(model: type | None, name: str) -> bool:
    """Whether the class has a say in what the attribute is."""
    found = (vars(base)[name] for base in getattr(model, "__mro__", ()) if name in vars(base))
    return hasattr(type(next(found, None)), "__set__")


def _error(table: str, model: Any, field: str, annotation: Any, why: str) -> TableError:
    return TableError(
        f"table `{table}`: {_name(model)}.{field} is annotated {_shown(annotation)}, which has "
        f"no column type ({why}); {_HINT}"
    )


def _peeled(annotation: Any) -> tuple[Any, bool]:
    """The annotation without what is said around a type; whether it takes None."""
    while True:
        if hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif isinstance(annotation, typing.TypeAliasType):
            annotation = annotation.__value__
        elif isinstance(typing.get_origin(annotation), typing.TypeAliasType):
            alias = typing.get_origin(annotation)
            parameters = dict(zip(alias.__type_params__, typing.get_args(annotation)))
            annotation = _bound(alias.__value__, parameters)
        elif typing.get_origin(annotation) in _WRAPPERS:
            annotation = typing.get_args(annotation)[0]
        elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
            members = typing.get_args(annotation)
            others = [member for member in members if member is not type(None)]
            if len(others) != 1 or len(others) == len(members):
                takes_none = (_peeled(member)[1] for member in others)
                return annotation, len(others) < len(members) or any(takes_none)
            return _peeled(others[0])[0], True
        else:
            is_literal = typing.get_origin(annotation) is typing.Literal
            return annotation, is_literal and None in typing.get_args(annotation)


_WRAPPERS = (
    typing.Annotated,
    typing.Required,
    typing.NotRequired,
    typing.ReadOnly,
    typing.Final,
)


def _column(annotation: Any) -> _Column:
    annotation, _ = _peeled(annotation)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        members = [_column(member) for member in arguments if member is not type(None)]
        return _shared(members)
    if origin is typing.Literal:
        values = [value for value in arguments if value is not None]
        return _shared([_column(type(value)) for value in values])
    if annotation is typing.Any or annotation is object:
        return _Column(_JSON)
    if isinstance(annotation, typing.TypeVar):
        raise _Unsupported(f"nothing says what {annotation} is")
    if (found := record(annotation)) is not None:
        # Of the models inside a list, only that they have a form in JSON.
        _check_members(annotation, found)
        return _Column(_JSON)
    if not isinstance(origin or annotation, type):
        raise _Unsupported("it is no type that can be stored")
    column = _of_class(origin or annotation)
    for argument in arguments:
        if argument is not Ellipsis and argument != ():
            _column(argument)
    return column


#: Models that are being looked at: one inside a list may contain itself.
_checking: list[Any] = []


def _check_members(model: Any, found: _Record) -> None:
    if model in _checking:
        return
    _checking.append(model)
    try:
        for name, annotation, _ in found.fields:
            try:
                _column(annotation)
            except _Unsupported as why:
                raise _Unsupported(f"{_name(model)}.{name} has none: {why}") from None
    finally:
        _checking.remove(model)


def _shared(members: list[_Column]) -> _Column:
    """The column for values of several types: JSON text, unless they are stored alike."""
    kinds = {member.kind for member in members}
    if kinds == {_BOOL, _INT}:
        kinds = {_INT}
    elif kinds == {_INT, _FLOAT}:
        kinds = {_FLOAT}
    if len(kinds) != 1 or kinds == {_JSON}:
        return _Column(_JSON)
    converts = {member.convert for member in members}
    return _Column(kinds.pop(), converts.pop() if len(converts) == 1 else text)


def _of_class(cls: type) -> _Column:
    if issubclass(cls, str):
        return _Column(_STR)
    for base in cls.__mro__:
        name = f"{base.__module__}.{base.__qualname__}"
        if name == "enum.Enum":
            members = cast(Any, cls)
            values = _shared([_of_class(type(member.value)) for member in members])
            return _Column(values.kind, text if values.convert else attrgetter("_value_"))
        if name in _CLASSES:
            return _CLASSES[name]
    raise _Unsupported(f"{_name(cls)} is no type that can be stored")


_AS_STR = _Column(_STR, str)
_ISO = _Column(_STR, "isoformat")
_HEX = _Column(_STR, "hex")


def _encode() -> Callable[[object], str]:
    # Few tables need it.
    from ._json import encode

    return encode


#: By the qualified name of a class that it is, or inherits from.
_CLASSES = {
    "builtins.bool": _Column(_BOOL),
    "builtins.int": _Column(_INT),
    "builtins.float": _Column(_FLOAT),
    "builtins.str": _Column(_STR),
    "builtins.NoneType": _Column(_STR),
    "builtins.bytes": _HEX,
    "builtins.bytearray": _HEX,
    "datetime.datetime": _ISO,
    "datetime.date": _ISO,
    "datetime.time": _ISO,
    "datetime.timedelta": _Column(_FLOAT, "total_seconds"),
    "decimal.Decimal": _AS_STR,
    "uuid.UUID": _AS_STR,
    "pathlib.PurePath": _AS_STR,
    "pathlib._local.PurePath": _AS_STR,
    "ipaddress._IPAddressBase": _AS_STR,
    "pydantic.networks._BaseUrl": _AS_STR,
    "pydantic.networks._BaseMultiHostUrl": _AS_STR,
    "pydantic.networks.EmailStr": _Column(_STR),
    "pydantic.types.AwareDatetime": _ISO,
    "pydantic.types.NaiveDatetime": _ISO,
    "pydantic.types.PastDatetime": _ISO,
    "pydantic.types.FutureDatetime": _ISO,
    "pydantic.types.PastDate": _ISO,
    "pydantic.types.FutureDate": _ISO,
    **dict.fromkeys(
        [
            "builtins.list",
            "builtins.tuple",
            "builtins.dict",
            "builtins.set",
            "builtins.frozenset",
            "collections.deque",
            "collections.abc.Iterable",
            "collections.abc.Sequence",
            "collections.abc.Collection",
            "collections.abc.Set",
            "collections.abc.Mapping",
        ],
        _Column(_JSON),
    ),
}


def text(value: object) -> object:
    """The stored form of a value whose type the annotation leaves open."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    column = _of_class(type(value))
    if hasattr(value, "_value_"):
        return text(value._value_)
    if isinstance(column.convert, str):
        return getattr(value, column.convert)()
    return column.convert(value) if column.convert else value


# --- names ---------------------------------------------------------------------------------


def _name(model: Any) -> str:
    return getattr(model, "__name__", None) or str(model)


def _snake(name: str) -> str:
    """`LineItem` is `line_item`, `HTTPServer` is `http_server`, `Page[User]` is `page_user`."""
    words = ""
    for index, letter in enumerate(name):
        before, after = name[index - 1 : index], name[index + 1 : index + 2]
        if letter.isupper() and (before.islower() or before.isdigit() or after.islower()):
            words += "_"
        words += letter.lower() if letter.isalnum() else "_"
    return "_".join(filter(None, words.split("_")))


def _shown(annotation: Any) -> str:
    if isinstance(annotation, type) and not typing.get_origin(annotation):
        return annotation.__qualname__
    return str(annotation).replace("typing.", "")
