CREATE TABLE generated_secrets (
  instance_id TEXT NOT NULL REFERENCES instances (id),
  name TEXT NOT NULL,
  master_key_id TEXT NOT NULL,
  wrapped BLOB NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (instance_id, name)
) STRICT;
