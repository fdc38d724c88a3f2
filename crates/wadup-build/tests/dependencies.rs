//! What can be wrong with dependencies, as it is told: all of it before anything is built.

use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};
use wadup_build::{
    BuildError, BuildSettings, Download, ExtensionRecipe, GuestFile, MissingStep, Provided,
    Runtime, Silent, ToolError, Tools, build,
};
use wadup_project::{PackageName, Project, Version};

/// Tools that have recipes and nothing else: whoever asks for more has gone on too far.
struct RecipesOnly {
    python: Version,
    extensions: Vec<ExtensionRecipe>,
    cache: PathBuf,
}

impl RecipesOnly {
    fn new(cache: PathBuf) -> Self {
        let pydantic = Provided {
            name: "pydantic".parse().unwrap(),
            requirements: ["pydantic==2.12.5", "pydantic-core==2.41.5"]
                .map(|text| text.parse().unwrap())
                .to_vec(),
        };
        Self {
            python: "3.13.5".parse().unwrap(),
            extensions: vec![
                ExtensionRecipe {
                    name: "hypothesis".parse().unwrap(),
                    version: "6.170.15".parse().unwrap(),
                    older_are_pure: true,
                    provides: Vec::new(),
                },
                ExtensionRecipe {
                    name: "pydantic-core".parse().unwrap(),
                    version: "2.41.5".parse().unwrap(),
                    older_are_pure: false,
                    provides: vec![pydantic],
                },
            ],
            cache,
        }
    }
}

impl Tools for RecipesOnly {
    fn python(&self) -> &Version {
        &self.python
    }
    fn extensions(&self) -> &[ExtensionRecipe] {
        &self.extensions
    }
    fn cache_dir(&self) -> &Path {
        &self.cache
    }
    fn uv_version(&self) -> &str {
        "0"
    }
    fn uv(&self, _: bool) -> Result<Command, ToolError> {
        Err("uv must not be run here".into())
    }
    fn native_python(&self) -> Result<PathBuf, ToolError> {
        Err("no Python must be needed here".into())
    }
    fn fetch(&self, download: &Download, _: bool) -> Result<PathBuf, ToolError> {
        Err(format!("{} must not be fetched here", download.url).into())
    }
    fn guest_python(&self) -> &[GuestFile] {
        &[]
    }
    fn missing_steps(&self, _: &[PackageName]) -> Result<Vec<MissingStep>, ToolError> {
        Err("no runtime must be looked for here".into())
    }
    fn runtime(&self, _: &[PackageName], _: bool) -> Result<Runtime, ToolError> {
        Err("nothing must be built here".into())
    }
}

/// A project with `fields` in `[project]` and `wadup` in `[tool.wadup]`.
struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new(fields: &str, wadup: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pyproject = format!(
            "[project]\nname = \"demo\"\nversion = \"1\"\n{fields}\n\
             [tool.wadup]\nentry-point = \"demo\"\n{wadup}\n"
        );
        fs::write(folder.path().join("pyproject.toml"), pyproject).unwrap();
        fs::write(folder.path().join("demo.py"), "def main(): pass\n").unwrap();
        Self { folder }
    }

    fn lock(self, name: &str, text: &str) -> Self {
        let text = format!("lock-version = \"1.0\"\ncreated-by = \"test\"\n{text}");
        fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    /// A wheel beside the project, as a line of its lock.
    fn wheel(&self, name: &str, version: &str, requires: &[&str]) -> String {
        let mut metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        for requirement in requires {
            writeln!(metadata, "Requires-Dist: {requirement}").unwrap();
        }
        let file = format!("{name}-{version}-py3-none-any.whl");
        let path = self.folder.path().join(&file);
        let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(format!("{name}-{version}.dist-info/METADATA"), options)
            .unwrap();
        zip.write_all(metadata.as_bytes()).unwrap();
        zip.finish().unwrap();
        let digest = Sha256::digest(fs::read(&path).unwrap());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!(
            "[[packages]]\nname = \"{name}\"\nversion = \"{version}\"\n\
             wheels = [{{ path = \"{file}\", hashes = {{ sha256 = \"{digest}\" }} }}]\n"
        )
    }

    fn build(&self, locked: bool) -> Result<(), BuildError> {
        let cache = self.folder.path().join("cache");
        let project = Project::load(self.folder.path()).unwrap();
        let settings = BuildSettings {
            locked,
            ..BuildSettings::default()
        };
        build(&project, &settings, &RecipesOnly::new(cache), &Silent).map(drop)
    }

    /// The error, its causes, its place and its hint.
    fn told(&self, locked: bool) -> String {
        let error = self.build(locked).unwrap_err();
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            write!(text, "\n  {error}").unwrap();
            cause = error.source();
        }
        if let Some(location) = error.location() {
            let (line, column) = location.line_column();
            let span = &location.text[location.span.clone()];
            write!(text, "\n  at {line}:{column}: {span}").unwrap();
        }
        if let Some(hint) = error.hint() {
            write!(text, "\n  hint: {hint}").unwrap();
        }
        let root = self.folder.path().canonicalize().unwrap();
        text.replace(&*root.to_string_lossy(), "PROJECT")
    }
}

fn native(name: &str, version: &str) -> String {
    let file = format!("{name}-{version}-cp313-cp313-manylinux_2_17_x86_64.whl");
    let digest = "0".repeat(64);
    format!(
        "[[packages]]\nname = \"{name}\"\nversion = \"{version}\"\n\
         wheels = [{{ url = \"https://example.invalid/{file}\", hashes = {{ sha256 = \"{digest}\" }} }}]\n"
    )
}

#[test]
fn a_package_with_native_code_is_refused_with_the_chain_that_asks_for_it() {
    let case = Case::new("dependencies = [\"frames>=1; sys_platform == 'wasi'\"]", "");
    let frames = case.wheel(
        "frames",
        "1.0",
        &["middle[fast]", "absent; sys_platform == 'win32'"],
    );
    let middle = case.wheel("middle", "2.0", &["fastmath>=3; extra == 'fast'"]);
    let lock = [
        frames,
        middle,
        native("fastmath", "3.1"),
        native("deeper", "4.0"),
    ]
    .concat();
    insta::assert_snapshot!(case.lock("pylock.toml", &lock).told(false));
}

#[test]
fn packages_without_a_wheel_for_this_python_are_refused() {
    let sdist = "[[packages]]\nname = \"old\"\nversion = \"0.1\"\n\
                 sdist = { url = \"https://example.invalid/old-0.1.tar.gz\", hashes = {} }\n";
    let tree = "[[packages]]\nname = \"tree\"\nvcs = { type = \"git\", url = \"https://example.invalid/t\" }\n";
    let other = native("other", "1").replace("cp313-cp313-manylinux_2_17_x86_64", "cp312-none-any");
    let fields = "dependencies = [\"old\", \"tree\", \"other\"]";
    let all = Case::new(fields, "").lock("pylock.toml", &[sdist, tree, &other].concat());
    let source = Case::new("dependencies = [\"old\"]", "").lock("pylock.toml", sdist);
    insta::assert_snapshot!([all.told(false), source.told(false)].join("\n\n"));
}

#[test]
fn a_wheel_without_a_digest_or_with_another_one_is_refused() {
    let case = Case::new("dependencies = [\"a\"]", "");
    let wheel = case.wheel("a", "1", &[]);
    let digest = wheel.find("hashes").unwrap();
    let without = format!("{} }}]\n", wheel[..digest].trim_end().trim_end_matches(','));
    insta::assert_snapshot!(case.lock("pylock.toml", &without).told(false));
}

#[test]
fn a_lock_that_does_not_fit_the_project_is_refused() {
    let asks = || Case::new("dependencies = [\"a>=2\"]", "");
    let missing = asks().lock("pylock.toml", "");
    let older = asks();
    let wheel = older.wheel("a", "1", &[]);
    let older = older.lock("pylock.toml", &wheel);
    let twice = asks();
    let wheel = twice.wheel("a", "2", &[]);
    let twice = twice.lock("pylock.toml", &wheel.repeat(2));
    let extension = Case::new("", "c-extensions = [\"pydantic\"]").lock("pylock.toml", "");
    let told = [missing, older, twice, extension].map(|case| case.told(false));
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn a_version_that_no_recipe_builds_is_refused() {
    let direct = Case::new("dependencies = [\"pydantic<2.12\"]", "");
    let native_half = Case::new("dependencies = [\"pydantic-core==2.50.4\"]", "");
    let locked = Case::new("dependencies = [\"models\"]", "");
    let models = locked.wheel("models", "1", &["pydantic-core"]);
    let lock = models + &native("pydantic_core", "2.50.4");
    let locked = locked.lock("pylock.toml", &lock);
    let told = [direct, native_half, locked].map(|case| case.told(false));
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn an_older_release_is_packed_where_it_is_pure() {
    let asks = || Case::new("dependencies = [\"hypothesis<6.170\"]", "");
    let pure = asks();
    let wheel = pure.wheel("hypothesis", "6.130.13", &[]);
    let pure = pure.lock("pylock.toml", &wheel);
    // It goes on to the runtime, which these tools do not have.
    assert!(matches!(pure.build(false), Err(BuildError::Runtime(_))));
    let native = asks().lock("pylock.toml", &native("hypothesis", "6.165.0"));
    insta::assert_snapshot!(native.told(false));
}

#[test]
fn an_extension_that_is_not_known_is_refused() {
    let misspelt = Case::new("", "c-extensions = [\"pydnatic\"]");
    let unknown = Case::new("", "c-extensions = [\"numpy\"]");
    insta::assert_snapshot!([misspelt.told(false), unknown.told(false)].join("\n\n"));
}

#[test]
fn a_python_that_is_too_old_is_refused() {
    insta::assert_snapshot!(Case::new("requires-python = \">=3.13.9\"", "").told(false));
}

#[test]
fn locked_forbids_to_write_a_lock() {
    let missing = Case::new("dependencies = [\"a\"]", "");
    let recorded = "[tool.wadup]\nrequirements = [\"a\"]\nconstraints = [\"hypothesis<=6.170.15\", \"pydantic-core==2.41.5\"]\n\
                    python = \"3.13.5\"\n";
    let outdated = Case::new("dependencies = [\"a>=2\"]", "").lock("pylock.wadup.toml", recorded);
    let foreign = Case::new("dependencies = [\"a\"]", "[tool.uv]\nno-index = true")
        .lock("pylock.wadup.toml", recorded);
    let told = [missing, outdated, foreign].map(|case| case.told(true));
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn a_lock_that_is_up_to_date_is_taken_without_uv() {
    let case = Case::new("dependencies = [\"a\"]", "");
    let wheel = case.wheel("a", "1", &[]);
    let recorded = "[tool.wadup]\nrequirements = [\"a\"]\nconstraints = [\"hypothesis<=6.170.15\", \"pydantic-core==2.41.5\"]\n\
                    python = \"3.13.5\"\n";
    let case = case.lock("pylock.wadup.toml", &(wheel + recorded));
    // It goes on to the runtime, which these tools do not have.
    assert!(matches!(case.build(true), Err(BuildError::Runtime(_))));
}

#[test]
fn a_project_without_dependencies_gets_its_lock_without_uv() {
    let case = Case::new("", "");
    assert!(matches!(case.build(false), Err(BuildError::Runtime(_))));
    assert!(case.folder.path().join("pylock.wadup.toml").is_file());
    assert!(matches!(case.build(true), Err(BuildError::Runtime(_))));
}
