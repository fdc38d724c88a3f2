//! Where rows go: TableSink and its SQLite implementation.
