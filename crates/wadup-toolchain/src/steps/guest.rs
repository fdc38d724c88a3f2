//! The guest's Rust half: one isolated object, `guest.o`. What it wants from the
//! link stands beside its sources, in `link.toml`.

use std::path::Path;

use serde::Deserialize;
use toml::{Table, Value};

use super::rust::{StaticLibrary, isolate};
use super::{C_TOOLCHAIN, GUEST, NONE, RUST_TOOLCHAIN, json};
use crate::digest::KeyBuilder;
use crate::embedded;
use crate::graph::StepPlan;
use crate::host::Host;
use crate::recipes::{RecipeError, Recipes};
use crate::step::{Action, ActionError, Workbench};

/// The crates that are built, as folders of the repository and of the layout.
const CRATE: &str = "guest/runtime";
const PROTOCOL: &str = "crates/wadup-protocol";

/// The object in the result.
pub(super) const OBJECT: &str = "guest.o";

pub(super) fn plan(recipes: &Recipes, host: &Host) -> Result<StepPlan, RecipeError> {
    let action = Guest {
        link: GuestLink::embedded()?,
        pyo3: json(&recipes.pyo3),
        cargo: host.cargo_version.clone(),
    };
    Ok(super::plan(
        GUEST,
        [C_TOOLCHAIN, RUST_TOOLCHAIN],
        NONE,
        action,
    ))
}

/// `guest/runtime/link.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GuestLink {
    /// Functions that the runtime exports.
    pub(super) export: Vec<String>,
    /// Functions that others call by their own names.
    pub(super) define: Vec<String>,
    /// Functions whose callers the linker sends to `__wrap_…`.
    pub(super) wrap: Vec<String>,
    /// The symbol of the table of extensions.
    pub(super) extensions: String,
    /// Libraries of wasi-libc, in link order.
    pub(super) libraries: Vec<String>,
}

impl GuestLink {
    pub(super) fn embedded() -> Result<Self, RecipeError> {
        const NAME: &str = "guest/runtime/link.toml";
        let content = embedded::file(NAME).ok_or_else(|| RecipeError::Missing(NAME.to_owned()))?;
        toml::from_slice(content).map_err(|error| RecipeError::Parse {
            name: NAME.to_owned(),
            source: Box::new(error),
        })
    }

    /// The symbols that the guest's object shows.
    fn visible(&self) -> Vec<String> {
        let wrappers = self.wrap.iter().map(|name| format!("__wrap_{name}"));
        let own = self.export.iter().chain(&self.define).cloned();
        own.chain(wrappers).collect()
    }
}

#[derive(Debug)]
struct Guest {
    link: GuestLink,
    pyo3: Vec<u8>,
    cargo: String,
}

impl Action for Guest {
    fn describe(&self, key: &mut KeyBuilder) {
        for folder in [CRATE, PROTOCOL] {
            embedded::describe(folder, key);
        }
        key.field(
            "workspace",
            embedded::file("Cargo.toml").unwrap_or_default(),
        );
        key.field("pyo3", &self.pyo3);
        key.field("cargo", &self.cargo);
    }

    fn run(&self, bench: &Workbench<'_>) -> Result<(), ActionError> {
        let workspace = bench.work().join("workspace");
        lay_out(&workspace)?;
        let library = StaticLibrary {
            workspace: &workspace,
            manifest: &workspace.join(CRATE).join("Cargo.toml"),
            features: &[],
            library: "libwadup_guest_runtime.a",
            profile: None,
        };
        let library = library.build(bench)?;
        let visible = self.link.visible();
        let visible: Vec<&str> = visible.iter().map(String::as_str).collect();
        isolate(bench, &library, &visible, &bench.out().join(OBJECT))
    }
}

/// Lays out the guest and the crate that it depends on as one workspace, so that
/// cargo sees no path outside of it, and with the guest's lockfile.
fn lay_out(workspace: &Path) -> Result<(), ActionError> {
    for folder in [CRATE, PROTOCOL] {
        let place = workspace.join(folder);
        embedded::lay_out(folder, &place).map_err(ActionError::file("write", &place))?;
    }
    let guest = workspace.join(CRATE).join("Cargo.toml");
    let mut guest_manifest = parse(&format!("{CRATE}/Cargo.toml"))?;
    let mut root_manifest = parse("Cargo.toml")?;
    merge_workspaces(&mut root_manifest, &mut guest_manifest);
    write(&guest, &guest_manifest)?;
    write(&workspace.join("Cargo.toml"), &root_manifest)?;

    // Tests of the protocol are not run here; their dependencies are not locked.
    let mut protocol = parse(&format!("{PROTOCOL}/Cargo.toml"))?;
    protocol.remove("dev-dependencies");
    write(&workspace.join(PROTOCOL).join("Cargo.toml"), &protocol)?;
    let lock = workspace.join("Cargo.lock");
    let content = embedded::file("guest/runtime/Cargo.lock").unwrap_or_default();
    std::fs::write(&lock, content).map_err(ActionError::file("write", &lock))
}

/// Makes the guest a member of the root's workspace: profiles move up to it, and
/// members that are not laid out go.
fn merge_workspaces(root: &mut Table, guest: &mut Table) {
    guest.remove("workspace");
    root.remove("profile");
    root.extend(
        guest
            .remove("profile")
            .map(|profile| ("profile".to_owned(), profile)),
    );
    if let Some(Value::Table(workspace)) = root.get_mut("workspace") {
        workspace.remove("default-members");
        workspace.remove("exclude");
        let members = [CRATE, PROTOCOL].map(Value::from);
        workspace.insert("members".to_owned(), Value::Array(members.into()));
    }
}

fn parse(name: &str) -> Result<Table, ActionError> {
    let content = embedded::file(name).unwrap_or_default();
    toml::from_slice(content)
        .map_err(|error| ActionError::unexpected(format!("failed to parse {name}: {error}")))
}

fn write(path: &Path, manifest: &Table) -> Result<(), ActionError> {
    std::fs::write(path, manifest.to_string()).map_err(ActionError::file("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guest_says_what_it_wants_from_the_link() {
        let link = GuestLink::embedded().unwrap();
        for name in ["process", "wadup_initialize", "_start"] {
            assert!(link.export.iter().any(|export| export == name), "{name}");
        }
        assert!(link.visible().contains(&"__wrap___wasi_fd_read".to_owned()));
    }

    #[test]
    fn guest_and_protocol_become_one_workspace() {
        let mut root = parse("Cargo.toml").unwrap();
        let mut guest = parse("guest/runtime/Cargo.toml").unwrap();
        merge_workspaces(&mut root, &mut guest);
        assert!(!guest.contains_key("workspace") && !guest.contains_key("profile"));
        assert_eq!(root["profile"]["release"]["panic"].as_str(), Some("abort"));
        assert_eq!(root["workspace"]["members"].as_array().unwrap().len(), 2);
        assert!(root["workspace"]["dependencies"].get("serde").is_some());
    }
}
