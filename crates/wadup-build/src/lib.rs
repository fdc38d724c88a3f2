//! From a project to an artifact: resolve, bundle, compile to bytecode, snapshot.
