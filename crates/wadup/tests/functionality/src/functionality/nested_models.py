"""BaseModel: nested models."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, computed_field

from functionality.recorder import record


class Address(BaseModel):
    street: str
    city: str
    postcode: str = Field(pattern=r"^\d{5}$")


class Employee(BaseModel):
    name: str
    address: Address
    reports: list["Employee"] = []
    contacts: dict[str, Address] = {}


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(le=9)


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str]


class Home(BaseModel):
    pets: list[Annotated[Cat | Dog, Discriminator("kind")]]


class Tags(RootModel[list[str]]):
    pass


class Rectangle(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    width: float
    height: float

    @computed_field
    @property
    def area(self) -> float:
        return self.width * self.height


ADDRESS = {"street": "Main 1", "city": "Ulm", "postcode": "89073"}
TREE = {
    "name": "Ann",
    "address": ADDRESS,
    "reports": [{"name": "Bob", "address": ADDRESS | {"city": "Bonn"}, "reports": []}],
    "contacts": {"home": ADDRESS},
}
BROKEN = {
    "name": "Ann",
    "address": ADDRESS | {"postcode": "890"},
    "reports": [{"name": "Bob"}, {"name": 3, "address": None}],
    "contacts": {"home": {}},
}


def checks() -> None:
    record("nested", lambda: Employee.model_validate(TREE))
    record("nested from JSON", lambda: Employee.model_validate_json(dumped()))
    record("round trip", lambda: Employee.model_validate_json(dumped()) == Employee(**TREE))
    record("where nested errors are", lambda: Employee.model_validate(BROKEN))
    record("dump, chosen", lambda: Employee(**TREE).model_dump(include={"reports": {0: {"name"}}}))
    record("discriminated", lambda: Home(pets=[{"kind": "cat", "lives": 9}, {"kind": "dog", "tricks": []}]))
    record("discriminator unknown", lambda: Home(pets=[{"kind": "cow"}]))
    record("discriminator missing", lambda: Home(pets=[{}]))
    record("wrong branch", lambda: Home(pets=[{"kind": "cat", "lives": 10}]))
    record("root model", lambda: Tags.model_validate(["a", "b"]).model_dump_json())
    record("computed field", lambda: Rectangle(width=2, height=3).model_dump())
    record("frozen", lambda: setattr(Rectangle(width=2, height=3), "width", 4))
    record("extra forbidden", lambda: Rectangle(width=2, height=3, depth=4))
    record("copy with update", lambda: Rectangle(width=2, height=3).model_copy(update={"width": 5.0}))
    record("hash", lambda: len({Rectangle(width=2, height=3), Rectangle(width=2, height=3)}))
    record("40 levels deep", lambda: depth(deep(40)))


def dumped() -> str:
    return Employee.model_validate(TREE).model_dump_json()


def deep(levels: int) -> dict:
    tree = {"name": "leaf", "address": ADDRESS}
    for level in range(levels):
        tree = {"name": str(level), "address": ADDRESS, "reports": [tree]}
    return tree


def depth(tree: dict) -> int:
    employee, levels = Employee.model_validate(tree), 0
    while employee.reports:
        employee, levels = employee.reports[0], levels + 1
    return levels
