"""What a manifest may say, after <https://doc.rust-lang.org/cargo/reference/manifest.html>.

Keys that the reference does not know are left alone, as Cargo does; what the reference does know
has to be right.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from crate_manifests.licenses import LicenseExpression

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*$", max_length=64)]
# SemVer 2.0.0: three numbers, then a pre-release and build metadata.
Version = Annotated[
    str,
    StringConstraints(pattern=r"^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$"),
]
RustVersion = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+){0,2}$")]
# One comparator, or several with commas: `^1.2`, `>=1.0, <2`, `1.*`, `=0.4.0-rc.1`.
Requirement = Annotated[
    str,
    StringConstraints(
        pattern=r"^\s*[\^~=<>]*\s*[\d*][^\s,]*(\s*,?\s*[\^~=<>]+\s*\d[^\s,]*)*\s*,?\s*$",
    ),
]
Edition = Literal["2015", "2018", "2021", "2024"]
Kind = Literal["normal", "dev", "build"]


class Table(BaseModel):
    """A TOML table whose keys are in kebab-case."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"), frozen=True)


class Inherited(Table):
    """`key.workspace = true`: the value is in the workspace's manifest, another file."""

    workspace: Literal[True]


def _form(value: Any) -> Literal["inherited", "own"]:
    return "inherited" if isinstance(value, dict | Inherited) else "own"


# Told apart by its form, so that a wrong value is reported as that and not as one of two guesses.
type OrInherited[T] = Annotated[
    Annotated[T, Tag("own")] | Annotated[Inherited, Tag("inherited")],
    Discriminator(_form),
]


class Package(Table):
    name: Name
    version: OrInherited[Version] = "0.0.0"
    edition: OrInherited[Edition] = "2015"
    rust_version: OrInherited[RustVersion] | None = None
    description: OrInherited[str] | None = None
    license: OrInherited[LicenseExpression] | None = None
    license_file: OrInherited[str] | None = None
    repository: OrInherited[str] | None = None
    links: str | None = None
    build: str | bool | None = None


class Dependency(Table):
    version: Requirement | None = None
    path: str | None = None
    git: str | None = None
    workspace: Literal[True] | None = None
    package: Name | None = None
    optional: bool = False
    features: list[str] = []
    default_features: bool = Field(
        default=True,
        validation_alias=AliasChoices("default-features", "default_features"),
    )

    @model_validator(mode="before")
    @classmethod
    def from_shorthand(cls, value: Any) -> Any:
        """`serde = "1"` is short for `serde = { version = "1" }`."""
        return {"version": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def has_a_source(self) -> Self:
        if not (self.version or self.path or self.git or self.workspace):
            raise ValueError("says neither version, path, git nor workspace")
        return self


Dependencies = dict[Name, Dependency]


class DependencyTables(Table):
    """The three tables of dependencies, at the top of a manifest and under each `[target]`."""

    dependencies: Dependencies = {}
    dev_dependencies: Dependencies = Field(
        default={},
        validation_alias=AliasChoices("dev-dependencies", "dev_dependencies"),
    )
    build_dependencies: Dependencies = Field(
        default={},
        validation_alias=AliasChoices("build-dependencies", "build_dependencies"),
    )

    def by_kind(self) -> Iterator[tuple[Kind, Name, Dependency]]:
        tables: list[tuple[Kind, Dependencies]] = [
            ("normal", self.dependencies),
            ("dev", self.dev_dependencies),
            ("build", self.build_dependencies),
        ]
        for kind, table in tables:
            for name, dependency in table.items():
                yield kind, name, dependency


class Library(Table):
    proc_macro: bool = Field(
        default=False,
        validation_alias=AliasChoices("proc-macro", "proc_macro"),
    )


class Workspace(Table):
    members: list[str] = []
    exclude: list[str] = []
    resolver: Literal["1", "2", "3"] | None = None
    dependencies: Dependencies = {}


class Manifest(DependencyTables):
    # `[project]` is what Cargo called `[package]` before 1.0 and still reads.
    package: Package | None = Field(
        default=None,
        validation_alias=AliasChoices("package", "project"),
    )
    lib: Library = Library()
    features: dict[str, list[str]] = {}
    target: dict[str, DependencyTables] = {}
    workspace: Workspace | None = None

    @model_validator(mode="after")
    def is_a_manifest(self) -> Self:
        if self.package is None and self.workspace is None:
            raise ValueError("has neither [package] nor [workspace]")
        return self

    def all_dependencies(self) -> Iterator[tuple[str | None, Kind, Name, Dependency]]:
        """Each dependency with the target (`cfg(…)` or a triple) that it is limited to."""
        for kind, name, dependency in self.by_kind():
            yield None, kind, name, dependency
        for target, tables in self.target.items():
            for kind, name, dependency in tables.by_kind():
                yield target, kind, name, dependency
