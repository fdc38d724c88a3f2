-- Times are UTC in ISO 8601. Names that begin with _wadup are wadup's own.

CREATE TABLE _wadup_runs (
    id            INTEGER PRIMARY KEY,
    started_at    TEXT NOT NULL,
    -- NULL while the run goes on, and for ever if it was killed.
    finished_at   TEXT,
    ended         TEXT CHECK (ended IN ('finished', 'cancelled')),
    wadup_version TEXT NOT NULL,
    -- JSON: [{"name", "version", "digest"}]
    artifacts     TEXT NOT NULL,
    -- JSON: the settings that can change results
    settings      TEXT NOT NULL
) STRICT;

CREATE TABLE _wadup_inputs (
    id        INTEGER PRIMARY KEY,
    run_id    INTEGER NOT NULL REFERENCES _wadup_runs (id),
    -- The input that emitted this one as sub-content.
    parent_id INTEGER REFERENCES _wadup_inputs (id),
    -- TEXT; a BLOB where it is not UTF-8.
    path      ANY NOT NULL,
    -- Bytes; NULL if it could not be read.
    size      INTEGER,
    -- Hex.
    sha256    TEXT,
    -- Of files: whether everything that descends from it is there. NULL for sub-content.
    tree_complete INTEGER,
    -- When it was processed; NULL where an older wadup wrote it.
    finished_at TEXT
) STRICT;

CREATE INDEX _wadup_inputs_run ON _wadup_inputs (run_id);
CREATE INDEX _wadup_inputs_parent ON _wadup_inputs (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE _wadup_outcomes (
    input_id    INTEGER NOT NULL REFERENCES _wadup_inputs (id),
    artifact    TEXT NOT NULL,
    status      TEXT NOT NULL,
    error_kind  TEXT,
    message     TEXT,
    traceback   TEXT,
    stdout      TEXT NOT NULL,
    stderr      TEXT NOT NULL,
    duration_ms REAL NOT NULL,
    -- Bytes of linear memory.
    peak_memory INTEGER NOT NULL,
    -- Bytes of stdout and stderr beyond the cap.
    output_dropped     INTEGER NOT NULL,
    -- Rows and sub-content that a failed execution had handed over.
    rows_dropped       INTEGER NOT NULL,
    subcontent_dropped INTEGER NOT NULL,
    PRIMARY KEY (input_id, artifact)
) STRICT;

CREATE INDEX _wadup_outcomes_failed ON _wadup_outcomes (status) WHERE status <> 'completed';
