"""Reads one `Cargo.toml` and tells what it declares: the crate, its dependencies, its licences.

A manifest that is not TOML raises `tomllib.TOMLDecodeError`, one that breaks Cargo's rules raises
`pydantic.ValidationError`; wadup records either as the outcome of that input and goes on.
"""

import tomllib

import wadup

from crate_manifests.models import Manifest
from crate_manifests.tables import define_tables, insert_crate, insert_workspace


def main() -> None:
    if wadup.input.name != "Cargo.toml":
        return

    manifest = Manifest.model_validate(tomllib.loads(wadup.input.read_text()))

    define_tables()
    if manifest.package is not None:
        insert_crate(manifest, manifest.package)
    if manifest.workspace is not None:
        insert_workspace(manifest.workspace)
