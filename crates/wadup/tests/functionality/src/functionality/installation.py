"""What the report's patches were about: versions and metadata of what is installed."""

import importlib.metadata
import inspect
import sys

import pydantic
import pydantic_core
from pydantic import BaseModel, networks, version
from pydantic.plugin import _loader

from functionality.recorder import record

PACKAGES = ["pydantic", "pydantic_core", "typing_extensions", "annotated_types", "typing_inspection"]


class Model(BaseModel):
    """A docstring."""

    value: int


def checks() -> None:
    for package in PACKAGES:
        record(f"version of {package}", lambda: importlib.metadata.version(package))
    record("pydantic's own versions", lambda: (pydantic.VERSION, pydantic_core.__version__))
    record("core is the one that pydantic wants", lambda: version._ensure_pydantic_core_version())
    record("plugins", lambda: list(_loader.get_plugins()))
    record("networks use importlib.metadata", lambda: networks.version is importlib.metadata.version)
    record("requirements", lambda: importlib.metadata.requires("pydantic"))
    record("python", lambda: sys.version_info)
    record("source of a model", lambda: inspect.getsource(Model))
