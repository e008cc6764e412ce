CREATE TABLE instances (
  id TEXT PRIMARY KEY,
  organization TEXT NOT NULL,
  project TEXT NOT NULL,
  name TEXT NOT NULL,
  ns TEXT NOT NULL,
  database_type TEXT NOT NULL,
  tier TEXT NOT NULL,
  spec TEXT NOT NULL,
  labels TEXT NOT NULL,
  engine TEXT NOT NULL,
  deletion_protection INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  message TEXT NOT NULL,
  outputs TEXT NOT NULL,
  seed TEXT NOT NULL,
  requested_by TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  observed_ms INTEGER NOT NULL,
  deleted_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_live_name ON instances (organization, project, name) WHERE deleted_ms = 0;
CREATE INDEX instances_by_namespace ON instances (ns) WHERE deleted_ms = 0;
CREATE INDEX instances_by_age ON instances (created_ms, id);

CREATE TABLE operations (
  id TEXT PRIMARY KEY,
  instance_id TEXT NOT NULL REFERENCES instances (id),
  organization TEXT NOT NULL,
  verb TEXT NOT NULL,
  engine TEXT NOT NULL,
  engine_version TEXT NOT NULL,
  engine_sha256 TEXT NOT NULL,
  spec TEXT NOT NULL,
  plan TEXT NOT NULL,
  state TEXT NOT NULL,
  on_failure TEXT NOT NULL,
  rollback_reason TEXT NOT NULL,
  rollback_outcome TEXT NOT NULL,
  cancel_asked INTEGER NOT NULL,
  stage INTEGER NOT NULL,
  error TEXT NOT NULL,
  remnants TEXT NOT NULL,
  requested_by TEXT NOT NULL,
  request_id TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  started_ms INTEGER NOT NULL,
  finished_ms INTEGER NOT NULL,
  fence INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_live_operation ON operations (instance_id)
  WHERE state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED');
CREATE INDEX operations_by_instance ON operations (instance_id, created_ms, id);
CREATE INDEX operations_by_age ON operations (created_ms, id);

CREATE TABLE stages (
  operation_id TEXT NOT NULL REFERENCES operations (id),
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  is_rollback INTEGER NOT NULL,
  state TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  finished_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  waiting_for TEXT NOT NULL,
  reason TEXT NOT NULL,
  message TEXT NOT NULL,
  error TEXT NOT NULL,
  PRIMARY KEY (operation_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  operation_id TEXT NOT NULL REFERENCES operations (id),
  at_ms INTEGER NOT NULL,
  type TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_operation ON events (operation_id, seq);

CREATE TABLE objects (
  instance_id TEXT NOT NULL REFERENCES instances (id),
  api_version TEXT NOT NULL,
  kind TEXT NOT NULL,
  ns TEXT NOT NULL,
  name TEXT NOT NULL,
  uid TEXT NOT NULL,
  applied_sha256 TEXT NOT NULL,
  first_order INTEGER NOT NULL,
  PRIMARY KEY (instance_id, kind, ns, name)
) STRICT;

CREATE TABLE data_keys (
  instance_id TEXT PRIMARY KEY REFERENCES instances (id),
  master_key_id TEXT NOT NULL,
  wrapped BLOB NOT NULL
) STRICT;

CREATE TABLE credentials (
  instance_id TEXT NOT NULL REFERENCES instances (id),
  field TEXT NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (instance_id, field)
) STRICT;

CREATE TABLE namespaces (
  name TEXT PRIMARY KEY,
  organization TEXT NOT NULL,
  project TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('ACTIVE', 'DELETING'))
) STRICT;

CREATE TABLE idempotency (
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  operation_id TEXT NOT NULL REFERENCES operations (id),
  expires_ms INTEGER NOT NULL,
  PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX idempotency_by_expiry ON idempotency (expires_ms);
