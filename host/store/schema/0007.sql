-- What the newest restore drill showed of a backup: '' PASSED FAILED.
ALTER TABLE backups ADD COLUMN verified_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE backups ADD COLUMN verified TEXT NOT NULL DEFAULT '';
-- Days between two drills of an instance; -1: as its store says.
ALTER TABLE instances ADD COLUMN drill_days INTEGER NOT NULL DEFAULT -1;
-- The instance whose backups an operation reads; '' for none.
ALTER TABLE operations ADD COLUMN source TEXT NOT NULL DEFAULT '';
UPDATE operations SET source = COALESCE(arguments ->> '$.source.instance.id', '') WHERE json_valid(arguments);
CREATE INDEX operations_by_source ON operations (source, verb, created_ms) WHERE source <> '';
