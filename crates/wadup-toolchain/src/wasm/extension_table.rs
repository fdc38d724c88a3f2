//! The table of a runtime's extensions, as assembly that holds data only.
//!
//! In C terms, what the guest reads before it starts the interpreter:
//!
//! ```c
//! struct wadup_extension { const char *name; PyObject *(*init)(void); };
//! extern const struct wadup_extension wadup_extensions[]; // ends with a NULL name
//! ```

use std::fmt::Write as _;

use crate::recipes::ExtensionModule;

/// The assembly source of the table, which is the data of `symbol`.
pub(crate) fn extension_table(symbol: &str, modules: &[&ExtensionModule]) -> String {
    let mut text = String::new();
    let mut entries = String::new();
    let mut names = String::new();
    for (index, ExtensionModule { name, init }) in modules.iter().enumerate() {
        // Writing to a string does not fail.
        let _ = writeln!(text, "\t.functype {init} () -> (i32)");
        let _ = write!(entries, "\t.int32 .Lname{index}\n\t.int32 {init}\n");
        let _ = write!(
            names,
            "\t.section .rodata..Lname{index},\"\",@\n.Lname{index}:\n\t.asciz \"{name}\"\n\
             \t.size .Lname{index}, {size}\n",
            size = name.len() + 1,
        );
    }
    let size = (modules.len() + 1) * 8;
    let _ = write!(
        text,
        "\t.section .rodata.{symbol},\"\",@\n\t.globl {symbol}\n\
         \t.p2align 2\n{symbol}:\n{entries}\t.int32 0\n\t.int32 0\n\
         \t.size {symbol}, {size}\n{names}"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_ends_with_nulls() {
        let module = ExtensionModule {
            name: "a._b".to_owned(),
            init: "PyInit__b".to_owned(),
        };
        let text = extension_table("wadup_extensions", &[&module]);
        assert!(
            text.contains("\t.functype PyInit__b () -> (i32)\n"),
            "{text}"
        );
        assert!(
            text.contains("\t.int32 PyInit__b\n\t.int32 0\n\t.int32 0\n"),
            "{text}"
        );
        assert!(text.contains("\t.size wadup_extensions, 16\n"), "{text}");
        assert!(
            text.contains("\t.asciz \"a._b\"\n\t.size .Lname0, 5\n"),
            "{text}"
        );
    }

    #[test]
    fn no_extension_is_an_empty_table() {
        assert!(
            extension_table("wadup_extensions", &[])
                .contains("wadup_extensions:\n\t.int32 0\n\t.int32 0\n")
        );
    }
}
