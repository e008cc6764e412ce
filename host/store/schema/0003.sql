-- What was asked for (a JSON object) and what to go back to (a spec, "" when there is none).
ALTER TABLE operations ADD COLUMN arguments TEXT NOT NULL DEFAULT '{}';
ALTER TABLE operations ADD COLUMN previous_spec TEXT NOT NULL DEFAULT '';
-- Time in which the stage was really looked after: the host ran and the API server answered.
ALTER TABLE stages ADD COLUMN spent_ms INTEGER NOT NULL DEFAULT 0;

-- An object is the same object in every version of its API group.
CREATE TABLE objects_by_group (
  instance_id TEXT NOT NULL REFERENCES instances (id),
  api_group TEXT NOT NULL,
  api_version TEXT NOT NULL,
  kind TEXT NOT NULL,
  ns TEXT NOT NULL,
  name TEXT NOT NULL,
  uid TEXT NOT NULL,
  applied_sha256 TEXT NOT NULL,
  first_order INTEGER NOT NULL,
  PRIMARY KEY (instance_id, api_group, kind, ns, name)
) STRICT;
INSERT INTO objects_by_group
  SELECT instance_id,
         CASE WHEN instr(api_version, '/') > 0 THEN substr(api_version, 1, instr(api_version, '/') - 1) ELSE '' END,
         api_version, kind, ns, name, uid, applied_sha256, first_order
  FROM objects ORDER BY rowid;
DROP TABLE objects;
ALTER TABLE objects_by_group RENAME TO objects;

-- The instances that live in a namespace: from NAMESPACE_CREATION until their NAMESPACE_DELETION.
CREATE TABLE residents (
  ns TEXT NOT NULL,
  instance_id TEXT NOT NULL REFERENCES instances (id),
  PRIMARY KEY (ns, instance_id)
) STRICT, WITHOUT ROWID;
INSERT INTO residents
  SELECT i.ns, i.id FROM instances i
  WHERE i.deleted_ms = 0
    AND EXISTS (SELECT 1 FROM operations o JOIN stages s ON s.operation_id = o.id
                WHERE o.instance_id = i.id AND s.name = 'NAMESPACE_CREATION' AND s.started_ms > 0);
-- The instance that left last and takes the namespace with it.
ALTER TABLE namespaces ADD COLUMN leaver TEXT NOT NULL DEFAULT '';
UPDATE namespaces SET leaver = COALESCE(
  (SELECT i.id FROM instances i JOIN operations o ON o.instance_id = i.id JOIN stages s ON s.operation_id = o.id
   WHERE i.ns = namespaces.name AND i.deleted_ms = 0 AND s.name = 'NAMESPACE_DELETION' AND s.started_ms > 0
   ORDER BY o.created_ms DESC LIMIT 1), '')
  WHERE state = 'DELETING';
DELETE FROM residents
  WHERE EXISTS (SELECT 1 FROM namespaces n WHERE n.name = residents.ns AND n.state = 'DELETING');

-- Every action of a caller, in the transaction of its effect. Rows are never changed.
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target_kind TEXT NOT NULL,
  target_id TEXT NOT NULL,
  organization TEXT NOT NULL,
  request_id TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_target ON audit (target_id, seq);
CREATE INDEX audit_by_actor ON audit (actor, seq);
CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'audit records are never changed'); END;
CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'audit records are never removed'); END;

-- A delete that keeps the volumes says so in its arguments; it used to say so in its spec.
UPDATE operations SET arguments = '{"retain_volumes":true}'
  WHERE verb = 'delete' AND json_valid(spec) AND json_extract(spec, '$.retain_volumes') = 1;
