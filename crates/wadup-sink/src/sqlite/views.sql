-- Views are read only. Join with them by `input_id`.

-- Where each input is from: its own path, and that of the file that it was found in.
CREATE VIEW _wadup_paths (input_id, path, root_id, root_path, depth) AS
WITH RECURSIVE tree (input_id, path, root_id, root_path, depth) AS (
    SELECT id, path, id, path, 0 FROM _wadup_inputs WHERE parent_id IS NULL
    UNION ALL
    SELECT child.id, child.path, tree.root_id, tree.root_path, tree.depth + 1
    FROM _wadup_inputs AS child JOIN tree ON child.parent_id = tree.input_id
)
SELECT * FROM tree;

-- What did not complete.
CREATE VIEW _wadup_failures AS
SELECT input_id, root_path, path, artifact, status, error_kind, message, traceback
FROM _wadup_outcomes JOIN _wadup_paths USING (input_id)
WHERE status <> 'completed';
