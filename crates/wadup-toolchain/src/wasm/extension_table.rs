//! How the guest finds the modules of a runtime's extensions, as assembly.
//!
//! In C terms, the table that it reads before it starts the interpreter:
//!
//! ```c
//! struct wadup_extension { const char *name; PyObject *(*init)(void); };
//! extern const struct wadup_extension wadup_extensions[]; // ends with a NULL name
//! ```

use std::fmt::Write as _;

use crate::recipes::ExtensionModule;

/// A module, and the function of the link that initialises it.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) module: &'a str,
    pub(crate) init: String,
}

/// The assembly source of functions that call the modules' own, under names that no other
/// extension has: `PyInit__native` may be that of many.
pub(crate) fn init_functions(modules: &[ExtensionModule]) -> String {
    let mut text = String::new();
    for module in modules {
        let (symbol, init) = (module.symbol(), &module.init);
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "\t.functype {init} () -> (i32)\n\
             \t.section .text.{symbol},\"\",@\n\t.globl {symbol}\n\t.type {symbol},@function\n\
             {symbol}:\n\t.functype {symbol} () -> (i32)\n\tcall {init}\n\tend_function\n"
        );
    }
    text
}

/// The assembly source of the table, which is the data of `symbol`.
pub(crate) fn extension_table(symbol: &str, modules: &[Entry<'_>]) -> String {
    let mut text = String::new();
    let mut entries = String::new();
    let mut names = String::new();
    for (index, Entry { module, init }) in modules.iter().enumerate() {
        // Writing to a string does not fail.
        let _ = writeln!(text, "\t.functype {init} () -> (i32)");
        let _ = write!(entries, "\t.int32 .Lname{index}\n\t.int32 {init}\n");
        let _ = write!(
            names,
            "\t.section .rodata..Lname{index},\"\",@\n.Lname{index}:\n\t.asciz \"{module}\"\n\
             \t.size .Lname{index}, {size}\n",
            size = module.len() + 1,
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
        let module = Entry {
            module: "a._b",
            init: "PyInit__b".to_owned(),
        };
        let text = extension_table("wadup_extensions", &[module]);
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
