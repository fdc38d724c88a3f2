"""The tables, and how a manifest fills them."""

import wadup

from crate_manifests.licenses import licenses
from crate_manifests.models import Inherited, Manifest, Package, Workspace


def define_tables() -> None:
    wadup.define_table("crates", [
        ("name", "String"),
        ("version", "String"),
        ("edition", "String"),
        ("rust_version", "String"),
        ("license", "String"),
        ("license_file", "String"),
        ("description", "String"),
        ("repository", "String"),
        ("links", "String"),
        ("has_build_script", "Int64"),
        ("is_proc_macro", "Int64"),
        ("features", "Int64"),
    ])
    wadup.define_table("dependencies", [
        ("crate", "String"),
        ("name", "String"),
        ("requirement", "String"),
        ("kind", "String"),
        ("target", "String"),
        ("optional", "Int64"),
        ("default_features", "Int64"),
        ("features", "String"),
    ])
    wadup.define_table("licenses", [
        ("crate", "String"),
        ("id", "String"),
        ("exception", "String"),
    ])
    wadup.define_table("workspaces", [
        ("members", "Int64"),
        ("resolver", "String"),
        ("dependencies", "Int64"),
    ])


def insert_crate(manifest: Manifest, package: Package) -> None:
    wadup.insert_row("crates", [
        package.name,
        own(package.version),
        own(package.edition),
        own(package.rust_version),
        own(package.license),
        own(package.license_file),
        own(package.description),
        own(package.repository),
        package.links,
        int(isinstance(package.build, str)),
        int(manifest.lib.proc_macro),
        len(manifest.features),
    ])
    for target, kind, name, dependency in manifest.all_dependencies():
        wadup.insert_row("dependencies", [
            package.name,
            dependency.package or name,
            dependency.version,
            kind,
            target,
            int(dependency.optional),
            int(dependency.default_features),
            " ".join(dependency.features),
        ])
    if expression := own(package.license):
        for license in licenses(expression):
            wadup.insert_row("licenses", [package.name, license.id, license.exception])


def insert_workspace(workspace: Workspace) -> None:
    wadup.insert_row("workspaces", [
        len(workspace.members),
        workspace.resolver,
        len(workspace.dependencies),
    ])


def own(value: str | Inherited | None) -> str | None:
    """The value itself; None where it is said elsewhere, in the workspace's manifest."""
    return None if isinstance(value, Inherited) else value
