//! Parts of pages that are made from the code: of `pyproject.md`, `protocol.md` and
//! `python-api.md`. Those of `commands.md` and `exit-codes.md` are made by the binary's own tests.

use std::{fs, path::PathBuf};

use serde::Serialize;
use wadup_project::WADUP_KEYS;
use wadup_protocol::{
    ABI_VERSION,
    metadata::{Column, DataType, Failure, Metadata, Row, SubContent, Table, Value},
    paths,
};

use crate::{repository, support::native};

const BEGIN: &str = "<!-- begin made from the code -->\n";
const END: &str = "<!-- end made from the code -->\n";

/// A part of a page in `docs/reference`, between two comments.
pub(crate) struct Part {
    pub(crate) page: &'static str,
    made: fn() -> String,
}

pub(crate) const PARTS: [Part; 3] = [
    Part {
        page: "pyproject.md",
        made: keys,
    },
    Part {
        page: "protocol.md",
        made: protocol,
    },
    Part {
        page: "python-api.md",
        made: names,
    },
];

impl Part {
    pub(crate) fn check(&self) -> Result<(), String> {
        let (old, new) = self.old_and_new();
        match old == new {
            true => Ok(()),
            false => Err(format!(
                "docs/reference/{} is not what the code says; \
                 UPDATE_BOOK=1 cargo test --release --workspace --bin wadup --test book writes it",
                self.page
            )),
        }
    }

    pub(crate) fn write(&self) {
        let (_, new) = self.old_and_new();
        fs::write(self.path(), new).expect("the page is written");
    }

    fn path(&self) -> PathBuf {
        repository().join("docs/reference").join(self.page)
    }

    fn old_and_new(&self) -> (String, String) {
        let text = fs::read_to_string(self.path()).expect("a page is text");
        let (before, rest) = text.split_once(BEGIN).expect("where it begins");
        let (_, after) = rest.split_once(END).expect("where it ends");
        let new = format!("{before}{BEGIN}{}{END}{after}", (self.made)());
        (text, new)
    }
}

fn keys() -> String {
    let mut table = String::from("| key | value | default | |\n|---|---|---|---|\n");
    for key in WADUP_KEYS {
        let default = key
            .default
            .map_or("needed".to_owned(), |it| format!("`{it}`"));
        table.push_str(&format!(
            "| `{}` | {} | {default} | {} |\n",
            key.name, key.value, key.meaning
        ));
    }
    table
}

fn names() -> String {
    let script = repository().join("crates/wadup/tests/book/api.py");
    native::python(&script, [repository().join("guest/python/wadup")])
}

fn protocol() -> String {
    let metadata = Metadata {
        tables: vec![Table {
            name: "users".to_owned(),
            columns: vec![
                Column {
                    name: "name".to_owned(),
                    data_type: DataType::String,
                },
                Column {
                    name: "age".to_owned(),
                    data_type: DataType::Int64,
                },
                Column {
                    name: "height".to_owned(),
                    data_type: DataType::Float64,
                },
            ],
        }],
        rows: vec![Row {
            table_name: "users".to_owned(),
            values: vec![
                Some(Value::String("Ada".to_owned())),
                Some(Value::Int64(36)),
                None,
            ],
        }],
    };
    let subcontent = SubContent {
        filename: "letter.txt".to_owned(),
    };
    let failure = Failure {
        kind: "ValueError".to_owned(),
        message: "not good".to_owned(),
        traceback: "Traceback (most recent call last): …".to_owned(),
    };
    let part = |title: &str, example: String| format!("\n{title}:\n\n```json\n{example}\n```\n");
    [
        format!(
            "| path | |\n|---|---|\n| `{}` | the input's content, read-only |\n\
             | `{}` | its path: bytes, which need not be UTF-8 |\n\
             | `{}/*.json` | metadata: tables and rows |\n\
             | `{subcontent_dir}/N.bin`, `{subcontent_dir}/N.json` | sub-content, and what it is called |\n\
             | `{}` | why the guest fails |\n\
             | `{}` | scratch space, empty at the start |\n\n\
             This is version {ABI_VERSION}, which a module without a manifest speaks.\n",
            paths::DATA,
            paths::INPUT_PATH,
            paths::METADATA_DIR,
            paths::FAILURE,
            paths::TMP_DIR,
            subcontent_dir = paths::SUBCONTENT_DIR,
        ),
        part("Metadata", json(&metadata)),
        part("Sub-content", json(&subcontent)),
        part("A failure", json(&failure)),
    ]
    .concat()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("it is JSON")
}
