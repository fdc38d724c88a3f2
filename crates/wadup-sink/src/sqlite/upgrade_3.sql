-- From format 2 to 3.
ALTER TABLE _wadup_inputs ADD COLUMN finished_at TEXT;
