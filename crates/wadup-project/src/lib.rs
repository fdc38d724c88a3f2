//! pyproject.toml and its lock, parsed once into types that cannot be wrong.
