use std::{fs, io, path::Path};

use wadup_project::{InvalidName, NewNames};
use wadup_toolchain::Recipes;

use crate::{
    cli::NewArgs,
    diagnostics::{Failure, display_path},
    exit_code::ExitCode,
    reporters,
};

const PYPROJECT: &str = include_str!("../template/pyproject.toml");
const MAIN: &str = include_str!("../template/main.py");
const TEST: &str = include_str!("../template/test.py");
const SAMPLE: &str = include_str!("../template/users.jsonl");
const GITIGNORE: &str = include_str!("../template/gitignore");

/// `wadup new`
pub(super) fn new(args: NewArgs) -> Result<ExitCode, Failure> {
    let failed = || {
        let action = format!("make the project {}", display_path(&args.path));
        Failure::new(ExitCode::Build, action)
    };
    let name = args.path.file_name().unwrap_or_default().to_string_lossy();
    let names: NewNames = name.parse().map_err(|error: InvalidName| {
        let instead = args.path.with_file_name(error.suggestion());
        failed()
            .because(&error)
            .hint(Some(format!("try `wadup new {}`", display_path(&instead))))
    })?;
    if args.path.symlink_metadata().is_ok() {
        return Err(failed().because_of("it is there already"));
    }
    let recipes = Recipes::embedded().map_err(|error| failed().because(&error))?;
    write(&args.path, &names, &recipes).map_err(|error| failed().because(&error))?;
    reporters::print(&next_steps(&args.path));
    Ok(ExitCode::Success)
}

fn write(folder: &Path, names: &NewNames, recipes: &Recipes) -> io::Result<()> {
    const NATIVE: &str = "pydantic-core";
    let recipe = recipes.extension(NATIVE);
    let native = recipe.map_or(NATIVE.to_owned(), |recipe| {
        format!("{NATIVE}=={}", recipe.version)
    });
    let (wheel_name, wheel) = wadup_build::own_wheel()?;
    let filled = |template: &str| {
        template
            .replace("{name}", &names.project)
            .replace("{module}", &names.module)
            .replace("{wheel}", &wheel_name)
            .replace("{pydantic_core}", &native)
    };
    let files = [
        ("pyproject.toml".to_owned(), filled(PYPROJECT).into_bytes()),
        (format!("src/{}/__init__.py", names.module), MAIN.into()),
        (
            format!("tests/test_{}.py", names.module),
            filled(TEST).into_bytes(),
        ),
        ("samples/users.jsonl".to_owned(), SAMPLE.into()),
        (".gitignore".to_owned(), GITIGNORE.into()),
        (format!("vendor/{wheel_name}"), wheel),
    ];
    for (name, content) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, content)?;
    }
    Ok(())
}

fn next_steps(folder: &Path) -> String {
    let shown = display_path(folder);
    format!(
        "made {shown}: a model that is a table, samples, a test\n\n\
         \x20 cd {shown}\n\
         \x20 wadup run . --input samples --output users.db\n\
         \x20 wadup sql users.db 'SELECT * FROM users'\n\
         \x20 wadup test\n"
    )
}
