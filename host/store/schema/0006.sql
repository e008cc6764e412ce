-- The folder that an instance has in a store of the host: its archive, its backups, its manifest. A row outlives its instance.
CREATE TABLE archives (
  instance_id TEXT PRIMARY KEY REFERENCES instances (id),
  organization TEXT NOT NULL,
  store TEXT NOT NULL,
  folder TEXT NOT NULL,
  revision INTEGER NOT NULL,
  manifest_revision INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  removal_ms INTEGER NOT NULL,
  gone_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX archives_to_write ON archives (instance_id) WHERE manifest_revision < revision AND gone_ms = 0;
CREATE INDEX archives_to_remove ON archives (expires_ms) WHERE expires_ms <> 0 AND gone_ms = 0;
INSERT INTO archives
  SELECT i.id, i.organization, i.spec ->> '$.backup.store', i.spec ->> '$.backup.destinationPath',
         (SELECT COUNT(*) FROM backups b WHERE b.instance_id = i.id), 0, 0, 0, 0
  FROM instances i
  WHERE json_valid(i.spec) AND i.spec ->> '$.backup.store' <> '' AND i.spec ->> '$.backup.destinationPath' <> '';

-- Whatever the manifest tells counts its revision up. The first is due with the first backup: before it there is nothing to restore.
CREATE TRIGGER archive_tells_of_new_backup AFTER INSERT ON backups
  BEGIN UPDATE archives SET revision = revision + 1 WHERE instance_id = NEW.instance_id; END;
CREATE TRIGGER archive_tells_of_backup AFTER UPDATE ON backups
  WHEN OLD.state <> NEW.state OR OLD.reference <> NEW.reference OR OLD.gone_ms <> NEW.gone_ms
  BEGIN UPDATE archives SET revision = revision + 1 WHERE instance_id = NEW.instance_id; END;
CREATE TRIGGER archive_tells_of_instance AFTER UPDATE OF spec, labels, deleted_ms ON instances
  WHEN OLD.spec <> NEW.spec OR OLD.labels <> NEW.labels OR OLD.deleted_ms <> NEW.deleted_ms
  BEGIN UPDATE archives SET revision = revision + 1 WHERE instance_id = NEW.id AND revision > 0; END;
