-- Records what happened; may vanish by itself, such as a backup's object.
ALTER TABLE objects ADD COLUMN passing INTEGER NOT NULL DEFAULT 0;

-- The backups of instances, as their engines reported them last. A row outlives its instance.
CREATE TABLE backups (
  id TEXT PRIMARY KEY,
  instance_id TEXT NOT NULL REFERENCES instances (id),
  organization TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  trigger TEXT NOT NULL,
  state TEXT NOT NULL,
  reference TEXT NOT NULL,
  position TEXT NOT NULL,
  engine_version TEXT NOT NULL,
  error TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  finished_ms INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  gone_ms INTEGER NOT NULL,
  UNIQUE (instance_id, name)
) STRICT;
CREATE INDEX backups_by_instance ON backups (instance_id, created_ms, id);
CREATE INDEX backups_by_age ON backups (created_ms, id);
