-- From format 1 to 2. Of a run that finished, every tree is complete.
ALTER TABLE _wadup_inputs ADD COLUMN tree_complete INTEGER;

UPDATE _wadup_inputs
SET tree_complete = EXISTS (
    SELECT 1 FROM _wadup_runs WHERE id = run_id AND ended = 'finished'
)
WHERE parent_id IS NULL;
