#include "api/openapi.h"

namespace slipway::api {
namespace {

constexpr const char* kInstanceSchemas = R"json({
"CreateInstance": {"type": "object", "additionalProperties": false,
  "required": ["orgId", "projectName", "databaseType", "tier"],
  "properties": {
    "orgId": {"$ref": "#/components/schemas/DnsLabel"},
    "projectName": {"$ref": "#/components/schemas/DnsLabel"},
    "name": {"anyOf": [{"$ref": "#/components/schemas/DnsLabel"}, {"type": "null"}]},
    "databaseType": {"type": "string", "pattern": "^[A-Z][A-Z0-9_]{0,63}$",
                     "description": "the type of a loaded engine; GET /v1/engines lists the engines"},
    "tier": {"type": "string", "minLength": 1, "examples": ["STANDARD"]},
    "backup": {"type": ["object", "null"],
               "description": "{} takes the host's default store; destinationPath and credentialsSecret name a bucket of your own. drill: {everyDays} asks for restore drills"},
    "source": {"anyOf": [{"$ref": "#/components/schemas/RestoreSource"}, {"type": "null"}]},
    "parameters": {"type": ["object", "null"]},
    "labels": {"anyOf": [{"$ref": "#/components/schemas/Labels"}, {"type": "null"}]},
    "deletionProtection": {"type": ["boolean", "null"], "default": false},
    "onFailure": {"anyOf": [{"$ref": "#/components/schemas/OnFailure"}, {"type": "null"}]}}},
"PatchInstance": {"type": "object", "additionalProperties": false,
  "properties": {
    "deletionProtection": {"type": "boolean"},
    "labels": {"type": ["object", "null"], "propertyNames": {"$ref": "#/components/schemas/LabelName"},
               "additionalProperties": {"anyOf": [{"$ref": "#/components/schemas/LabelValue"}, {"type": "null"}]}}}},
"RestoreSource": {"type": "object", "additionalProperties": false,
  "anyOf": [{"required": ["instanceId"], "properties": {"instanceId": {"type": "string"}}},
            {"required": ["backupId"], "properties": {"backupId": {"type": "string"}}}],
  "description": "the database is restored out of the backups of this instance, which may be deleted",
  "properties": {
    "instanceId": {"anyOf": [{"$ref": "#/components/schemas/ShortText"}, {"type": "null"}]},
    "backupId": {"anyOf": [{"$ref": "#/components/schemas/ShortText"}, {"type": "null"}]},
    "target": {"anyOf": [{"$ref": "#/components/schemas/RestoreTarget"}, {"type": "null"}]}}},
"RestoreTarget": {"type": "object", "additionalProperties": false,
  "properties": {
    "type": {"anyOf": [{"$ref": "#/components/schemas/ShortText"}, {"type": "null"}],
             "description": "LATEST, TIME, LSN, XID, NAME or BACKUP, as the engine can"},
    "value": {"anyOf": [{"$ref": "#/components/schemas/ShortText"}, {"type": "null"}]},
    "exclusive": {"type": ["boolean", "null"], "description": "true stops before the target"}}},
"StartRestoreDrill": {"type": "object", "additionalProperties": false,
  "properties": {
    "backupId": {"anyOf": [{"$ref": "#/components/schemas/ShortText"}, {"type": "null"}]},
    "target": {"anyOf": [{"$ref": "#/components/schemas/RestoreTarget"}, {"type": "null"}]},
    "checks": {"type": ["array", "null"], "maxItems": 10, "items": {"$ref": "#/components/schemas/DrillCheck"}}}},
"DrillCheck": {"type": "object", "additionalProperties": false, "required": ["statement"],
  "description": "the statement must yield a row, and its first value be as the other members say",
  "properties": {
    "name": {"type": ["string", "null"], "minLength": 1, "maxLength": 63},
    "statement": {"type": "string", "minLength": 1, "maxLength": 4096},
    "equals": {"type": ["string", "number", "null"], "minLength": 1, "maxLength": 256},
    "atLeast": {"type": ["number", "null"]}, "atMost": {"type": ["number", "null"]}}},
"ShortText": {"type": "string", "minLength": 1, "maxLength": 256},
"TakeBackup": {"type": "object", "additionalProperties": false,
  "properties": {
    "type": {"enum": ["FULL", null]},
    "note": {"anyOf": [{"$ref": "#/components/schemas/ShortText"}, {"type": "null"}]}}},
"Switchover": {"type": "object", "additionalProperties": false,
  "properties": {
    "target": {"anyOf": [{"$ref": "#/components/schemas/ShortText"}, {"type": "null"}],
      "description": "name of the member that is to be the primary; absent: the engine chooses"}}},
"Empty": {"type": "object", "additionalProperties": false},
"DnsLabel": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"},
"LabelName": {"type": "string", "description": "a Kubernetes label name; names under slipway.dev/ belong to the host",
  "pattern": "^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
  "not": {"pattern": "^([^/]*\\.)?slipway\\.dev/"}},
"LabelValue": {"type": "string", "pattern": "^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"},
"Labels": {"type": "object", "maxProperties": 64, "propertyNames": {"$ref": "#/components/schemas/LabelName"},
  "additionalProperties": {"$ref": "#/components/schemas/LabelValue"}},
"OnFailure": {"type": "string", "enum": ["ROLLBACK", "RETAIN"]},
"Time": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$"},
"Word": {"type": "string", "pattern": "^[A-Z0-9_]+$"},
"Address": {"type": "object", "additionalProperties": false, "required": ["host", "port"],
  "properties": {"host": {"type": "string"}, "port": {"type": "integer"}}},
"Endpoint": {"type": "object", "additionalProperties": false, "required": ["name", "role", "host", "port", "tls"],
  "properties": {
    "name": {"type": "string"}, "role": {"type": "string", "enum": ["READ_WRITE", "READ_ONLY", "ANY"]},
    "host": {"type": "string"}, "port": {"type": "integer"},
    "tls": {"type": "boolean", "description": "True when the server requires TLS."},
    "external": {"$ref": "#/components/schemas/Address"}}},
"Condition": {"type": "object", "additionalProperties": false, "required": ["type", "status", "reason"],
  "properties": {
    "type": {"type": "string", "enum": ["Ready", "ObjectsPresent", "CredentialsCurrent", "ArchivingHealthy", "BackedUp"]},
    "status": {"type": "string", "enum": ["TRUE", "FALSE", "UNKNOWN"]},
    "reason": {"$ref": "#/components/schemas/Word"}, "message": {"type": "string"},
    "lastTransitionAt": {"type": "string", "format": "date-time"}}},
"LoginProof": {"type": "object", "additionalProperties": false, "required": ["state"],
  "properties": {
    "state": {"type": "string", "enum": ["PROVED", "NOT_PROVED", "SKIPPED"]},
    "endpoint": {"type": "string"}, "at": {"type": "string"}, "message": {"type": "string"}}},
"InstanceSpec": {"type": "object", "additionalProperties": false,
  "required": ["orgId", "projectName", "name", "databaseType", "tier", "parameters", "backup", "deletionProtection"],
  "properties": {
    "orgId": {"type": "string"}, "projectName": {"type": "string"}, "name": {"type": "string"},
    "databaseType": {"type": "string"}, "tier": {"type": "string"}, "parameters": {"type": "object"},
    "backup": {"type": ["object", "null"]}, "deletionProtection": {"type": "boolean"}}},
"InstanceStatus": {"type": "object", "additionalProperties": false,
  "required": ["state", "namespace", "endpoints", "engine", "conditions"],
  "properties": {
    "state": {"type": "string", "enum": ["PROVISIONING", "ACTIVE", "DEGRADED", "RESTARTING", "SWITCHING_OVER", "DELETING", "DELETED", "FAILED", "UNKNOWN"]},
    "reason": {"$ref": "#/components/schemas/Word"}, "message": {"type": "string"},
    "namespace": {"type": "string"},
    "endpoints": {"type": "array", "items": {"$ref": "#/components/schemas/Endpoint"}},
    "engine": {"type": "string"},
    "observedAt": {"$ref": "#/components/schemas/Time"},
    "operationId": {"type": "string"},
    "loginProof": {"$ref": "#/components/schemas/LoginProof"},
    "conditions": {"type": "array", "items": {"$ref": "#/components/schemas/Condition"}}}},
"Instance": {"type": "object", "additionalProperties": false,
  "required": ["id", "name", "kind", "createdAt", "updatedAt", "etag", "generation", "labels", "path", "spec", "status"],
  "properties": {
    "id": {"type": "string"}, "name": {"type": "string"}, "kind": {"const": "Instance"},
    "createdAt": {"$ref": "#/components/schemas/Time"}, "updatedAt": {"$ref": "#/components/schemas/Time"},
    "deletedAt": {"$ref": "#/components/schemas/Time"},
    "etag": {"type": "string"}, "generation": {"type": "integer"},
    "labels": {"$ref": "#/components/schemas/Labels"}, "path": {"type": "string"},
    "spec": {"$ref": "#/components/schemas/InstanceSpec"},
    "status": {"$ref": "#/components/schemas/InstanceStatus"}}},
"InstanceList": {"type": "object", "additionalProperties": false, "required": ["items"],
  "properties": {
    "items": {"type": "array", "items": {"$ref": "#/components/schemas/Instance"}},
    "nextPageToken": {"type": "string", "minLength": 1}}},
"EndpointCredentials": {"type": "object", "additionalProperties": false,
  "required": ["name", "role", "host", "port", "external", "tls", "username", "password", "connectionString", "uri"],
  "properties": {
    "name": {"type": "string"}, "role": {"type": "string"}, "host": {"type": "string"}, "port": {"type": "integer"},
    "external": {"type": "boolean"},
    "tls": {"type": "boolean", "description": "True when the server requires TLS. The connection strings do not set TLS options; these differ by driver."},
    "username": {"type": "string"}, "password": {"type": "string"},
    "database": {"type": "string"}, "connectionString": {"type": "string"}, "uri": {"type": "string"}}},
"Credentials": {"type": "object", "additionalProperties": false,
  "required": ["kind", "instanceId", "username", "password", "endpoints"],
  "properties": {
    "kind": {"const": "Credentials"}, "instanceId": {"type": "string"},
    "host": {"type": "string"}, "port": {"type": "integer"},
    "username": {"type": "string"}, "password": {"type": "string"}, "database": {"type": "string"},
    "connectionString": {"type": "string"}, "uri": {"type": "string"},
    "fields": {"type": "object", "additionalProperties": {"type": "string"}},
    "endpoints": {"type": "array", "items": {"$ref": "#/components/schemas/EndpointCredentials"}}}}
})json";

constexpr const char* kOperationSchemas = R"json({
"WaitingFor": {"type": "object", "additionalProperties": false, "required": ["kind"],
  "properties": {
    "kind": {"type": "string"}, "namespace": {"type": "string"}, "name": {"type": "string"},
    "reason": {"type": "string"}, "since": {"type": "string"},
    "message": {"type": "string", "description": "The last message from the party that refused."}}},
"OperationError": {"type": "object", "additionalProperties": false, "required": ["code", "message"],
  "properties": {
    "code": {"$ref": "#/components/schemas/Word"}, "message": {"type": "string"},
    "stage": {"type": "string"}, "pointer": {"type": "string"},
    "waitingFor": {"$ref": "#/components/schemas/WaitingFor"},
    "rollback": {"type": "string", "enum": ["COMPLETE", "PARTIAL", "RETAINED"]}}},
"Stage": {"type": "object", "additionalProperties": false, "required": ["name", "state", "attempts"],
  "properties": {
    "name": {"$ref": "#/components/schemas/Word"},
    "state": {"type": "string", "enum": ["PENDING", "RUNNING", "SUCCEEDED", "SKIPPED", "FAILED", "COMPENSATED"]},
    "startedAt": {"$ref": "#/components/schemas/Time"}, "finishedAt": {"$ref": "#/components/schemas/Time"},
    "attempts": {"type": "integer"},
    "reason": {"$ref": "#/components/schemas/Word"}, "message": {"type": "string"},
    "waitingFor": {"$ref": "#/components/schemas/WaitingFor"},
    "lastError": {"$ref": "#/components/schemas/OperationError"}}},
"Target": {"type": "object", "additionalProperties": false, "required": ["kind", "id", "path"],
  "properties": {"kind": {"const": "Instance"}, "id": {"type": "string"}, "path": {"type": "string"}}},
"Progress": {"type": "object", "additionalProperties": false, "required": ["stage", "stageIndex", "stageCount"],
  "properties": {
    "stage": {"type": "string"}, "stageIndex": {"type": "integer"}, "stageCount": {"type": "integer"},
    "message": {"type": "string"}}},
"Remnant": {"type": "object", "additionalProperties": false,
  "properties": {
    "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "namespace": {"type": "string"}, "name": {"type": "string"}}},
"Rollback": {"type": "object", "additionalProperties": false, "required": ["state", "steps", "remnants"],
  "properties": {
    "state": {"type": "string", "enum": ["RUNNING", "BLOCKED", "COMPLETE", "PARTIAL", "RETAINED"]},
    "steps": {"type": "array", "items": {"$ref": "#/components/schemas/Stage"}},
    "remnants": {"type": "array", "items": {"$ref": "#/components/schemas/Remnant"}}}},
"Warning": {"type": "object", "additionalProperties": false, "required": ["pointer", "message"],
  "properties": {"pointer": {"type": "string"}, "message": {"type": "string"}}},
"Operation": {"type": "object", "additionalProperties": false,
  "required": ["id", "kind", "path", "verb", "target", "requestedBy", "requestId", "state", "done", "cancellable",
               "onFailure", "createdAt", "progress", "stages"],
  "properties": {
    "id": {"type": "string"}, "kind": {"const": "Operation"}, "path": {"type": "string"},
    "verb": {"type": "string"}, "target": {"$ref": "#/components/schemas/Target"},
    "requestedBy": {"type": "string"}, "requestId": {"type": "string"},
    "state": {"type": "string", "enum": ["PENDING", "RUNNING", "WAITING", "CANCELLING", "ROLLING_BACK", "BLOCKED",
                                         "SUCCEEDED", "FAILED", "CANCELLED"]},
    "done": {"type": "boolean"}, "cancellable": {"type": "boolean"},
    "onFailure": {"$ref": "#/components/schemas/OnFailure"},
    "createdAt": {"$ref": "#/components/schemas/Time"}, "startedAt": {"$ref": "#/components/schemas/Time"},
    "finishedAt": {"$ref": "#/components/schemas/Time"},
    "progress": {"$ref": "#/components/schemas/Progress"},
    "stages": {"type": "array", "items": {"$ref": "#/components/schemas/Stage"}},
    "rollback": {"$ref": "#/components/schemas/Rollback"},
    "retained": {"type": "array", "items": {"$ref": "#/components/schemas/Remnant"},
                 "description": "the volumes that a delete with retainVolumes=true kept"},
    "result": {"$ref": "#/components/schemas/Target"},
    "error": {"$ref": "#/components/schemas/OperationError"},
    "warnings": {"type": "array", "items": {"$ref": "#/components/schemas/Warning"}}},
  "not": {"required": ["result", "error"]},
  "if": {"properties": {"done": {"const": true}}},
  "then": {"anyOf": [{"required": ["result"]}, {"required": ["error"]}]}},
"OperationList": {"type": "object", "additionalProperties": false, "required": ["items"],
  "properties": {
    "items": {"type": "array", "items": {"$ref": "#/components/schemas/Operation"}},
    "nextPageToken": {"type": "string", "minLength": 1}}},
"Event": {"type": "object", "additionalProperties": false, "required": ["seq", "operationId", "at", "type", "data"],
  "properties": {
    "seq": {"type": "integer"}, "operationId": {"type": "string"}, "at": {"$ref": "#/components/schemas/Time"},
    "type": {"type": "string"}, "data": {"type": "object"}}},
"EventList": {"type": "object", "additionalProperties": false, "required": ["items"],
  "properties": {
    "items": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
    "nextAfter": {"type": "integer", "description": "more events exist; send this as ?after="}}}
})json";

constexpr const char* kOtherSchemas = R"json({
"Engine": {"type": "object", "additionalProperties": false, "required": ["name", "kind", "state", "capabilities", "verbs"],
  "properties": {
    "name": {"type": "string"}, "kind": {"const": "Engine"},
    "state": {"type": "string", "enum": ["LOADED", "DISABLED", "INCOMPATIBLE", "QUARANTINED"]},
    "databaseType": {"type": "string"}, "title": {"type": "string"}, "version": {"type": "string"},
    "sha256": {"type": "string"},
    "abi": {"type": "object", "additionalProperties": false, "required": ["major", "minor"],
            "properties": {"major": {"type": "integer"}, "minor": {"type": "integer"}}},
    "reason": {"type": "string"}, "message": {"type": "string"},
    "capabilities": {"type": "object"}, "verbs": {"type": "array", "items": {"type": "string"}},
    "backup": {"type": "object", "additionalProperties": false, "required": ["types", "targets", "continuous"],
      "description": "the kinds of backup on demand, and to which targets a restore can go; absent: neither can be done",
      "properties": {"types": {"type": "array", "items": {"type": "string"}}, "targets": {"type": "array", "items": {"type": "string"}},
                     "continuous": {"type": "boolean", "description": "the log is archived between backups"}}},
    "nameLimit": {"type": "integer"}, "parametersSchema": {"type": "object"}}},
"EngineList": {"type": "object", "additionalProperties": false, "required": ["items"],
  "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/Engine"}}}},
"Tier": {"type": "object", "additionalProperties": false,
  "required": ["name", "kind", "instances", "storage", "memory", "cpu", "podMonitor"],
  "properties": {
    "name": {"type": "string"}, "kind": {"const": "Tier"}, "instances": {"type": "integer"},
    "storage": {"type": "string"}, "memory": {"type": "string"}, "cpu": {"type": "string"},
    "podMonitor": {"type": "boolean"}}},
"TierList": {"type": "object", "additionalProperties": false, "required": ["items"],
  "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/Tier"}}}},
"TimeOrNull": {"anyOf": [{"$ref": "#/components/schemas/Time"}, {"type": "null"}]},
"Backup": {"type": "object", "additionalProperties": false,
  "required": ["id", "kind", "path", "instanceId", "name", "type", "trigger", "state", "startedAt", "finishedAt", "sizeBytes",
               "engineVersion", "position", "error", "verified", "expiresAt", "goneAt"],
  "properties": {
    "id": {"type": "string"}, "kind": {"const": "Backup"}, "path": {"type": "string"},
    "instanceId": {"type": "string"}, "name": {"type": "string", "description": "its name in the cluster"},
    "type": {"type": "string"}, "trigger": {"type": "string", "enum": ["SCHEDULE", "REQUEST"]},
    "state": {"type": "string", "enum": ["PENDING", "RUNNING", "COMPLETED", "FAILED"]},
    "startedAt": {"$ref": "#/components/schemas/TimeOrNull"}, "finishedAt": {"$ref": "#/components/schemas/TimeOrNull"},
    "sizeBytes": {"type": ["integer", "null"]}, "engineVersion": {"type": ["string", "null"]},
    "position": {"type": ["string", "null"]}, "error": {"type": ["string", "null"]},
    "verified": {"description": "what the last restore drill showed", "anyOf": [{"type": "null"},
      {"type": "object", "additionalProperties": false, "required": ["at", "result"],
       "properties": {"at": {"$ref": "#/components/schemas/Time"}, "result": {"enum": ["PASSED", "FAILED"]}}}]},
    "expiresAt": {"description": "when the host removes it from its store, after its instance was deleted",
                  "$ref": "#/components/schemas/TimeOrNull"},
    "goneAt": {"$ref": "#/components/schemas/TimeOrNull"}}},
"BackupList": {"type": "object", "additionalProperties": false, "required": ["items"],
  "properties": {
    "items": {"type": "array", "items": {"$ref": "#/components/schemas/Backup"}},
    "nextPageToken": {"type": "string", "minLength": 1}}},
"RestoreDrill": {"type": "object", "additionalProperties": false,
  "required": ["id", "kind", "operation", "instanceId", "backupId", "target", "state", "startedAt", "finishedAt",
               "recoverySeconds", "login", "checks", "error"],
  "properties": {
    "id": {"type": "string"}, "kind": {"const": "RestoreDrill"}, "operation": {"type": "string", "description": "its path"},
    "instanceId": {"type": "string", "description": "whose backups were restored"},
    "backupId": {"type": ["string", "null"], "description": "the backup that the restore began with; null: not known"},
    "target": {"$ref": "#/components/schemas/RestoreTarget"},
    "state": {"enum": ["RUNNING", "PASSED", "FAILED", "CANCELLED"]},
    "startedAt": {"$ref": "#/components/schemas/TimeOrNull"}, "finishedAt": {"$ref": "#/components/schemas/TimeOrNull"},
    "recoverySeconds": {"type": ["number", "null"], "description": "from the start until the copy took a login"},
    "login": {"anyOf": [{"$ref": "#/components/schemas/LoginProof"}, {"type": "null"}]},
    "checks": {"type": "array", "items": {"type": "object", "additionalProperties": false, "required": ["name", "value", "passed"],
      "properties": {"name": {"type": "string"}, "value": {"type": ["string", "null"]}, "passed": {"type": "boolean"}}}},
    "error": {"anyOf": [{"$ref": "#/components/schemas/OperationError"}, {"type": "null"}]}}},
"RestoreDrillList": {"type": "object", "additionalProperties": false, "required": ["items"],
  "properties": {
    "items": {"type": "array", "items": {"$ref": "#/components/schemas/RestoreDrill"}},
    "nextPageToken": {"type": "string", "minLength": 1}}},
"RecoveryWindow": {"type": "object", "additionalProperties": false,
  "required": ["kind", "instanceId", "supported", "windows", "latestRestorable", "archiving", "archiveError", "lastBackupAt",
               "lastBackupError", "observedAt"],
  "properties": {
    "kind": {"const": "RecoveryWindow"}, "instanceId": {"type": "string"}, "supported": {"type": "boolean"},
    "windows": {"type": "array", "items": {"type": "object", "additionalProperties": false, "required": ["from", "to", "open"],
      "properties": {"from": {"$ref": "#/components/schemas/TimeOrNull"}, "to": {"$ref": "#/components/schemas/TimeOrNull"},
                     "open": {"type": "boolean", "description": "later points can be restored, too, as far as the archive has got"}}}},
    "latestRestorable": {"$ref": "#/components/schemas/TimeOrNull"},
    "archiving": {"type": ["string", "null"], "enum": ["HEALTHY", "FAILING", "NOT_STARTED", null]},
    "archiveError": {"type": ["string", "null"]}, "lastBackupAt": {"$ref": "#/components/schemas/TimeOrNull"},
    "lastBackupError": {"type": ["string", "null"]}, "observedAt": {"$ref": "#/components/schemas/TimeOrNull"}}},
"AuditRecord": {"type": "object", "additionalProperties": false,
  "required": ["id", "kind", "at", "actor", "action", "target", "orgId", "requestId", "data"],
  "properties": {
    "id": {"type": "string"}, "kind": {"const": "AuditRecord"}, "at": {"$ref": "#/components/schemas/Time"},
    "actor": {"type": "string"}, "action": {"type": "string", "examples": ["instance.create"]},
    "target": {"type": "object", "additionalProperties": false, "required": ["kind", "id"],
               "properties": {"kind": {"type": "string"}, "id": {"type": "string"}}},
    "orgId": {"type": "string"}, "requestId": {"type": "string"},
    "data": {"type": "object", "description": "details of the action; never a secret's value"}}},
"AuditRecordList": {"type": "object", "additionalProperties": false, "required": ["items"],
  "properties": {
    "items": {"type": "array", "items": {"$ref": "#/components/schemas/AuditRecord"}},
    "nextPageToken": {"type": "string", "minLength": 1}}},
"Version": {"type": "object", "additionalProperties": false, "required": ["version", "commit", "apiVersion"],
  "properties": {"version": {"type": "string"}, "commit": {"type": "string"}, "apiVersion": {"const": "v1"}}},
"Check": {"type": "object", "additionalProperties": false, "required": ["name", "ok", "required"],
  "properties": {"name": {"type": "string"}, "ok": {"type": "boolean"}, "reason": {"type": "string"},
    "required": {"type": "boolean", "description": "false: the host serves without it"}}},
"Readiness": {"type": "object", "additionalProperties": false, "required": ["ready", "checks"],
  "properties": {
    "ready": {"type": "boolean"},
    "checks": {"type": "array", "items": {"$ref": "#/components/schemas/Check"}}}},
"Document": {"type": "object", "required": ["openapi", "paths", "components"]},
"FieldError": {"type": "object", "additionalProperties": false, "required": ["pointer", "code", "message"],
  "properties": {
    "pointer": {"type": "string"}, "code": {"$ref": "#/components/schemas/Word"}, "message": {"type": "string"}}},
"Problem": {"type": "object", "additionalProperties": false,
  "required": ["type", "title", "status", "detail", "instance", "code", "requestId", "retryable"],
  "properties": {
    "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
    "detail": {"type": "string"}, "instance": {"type": "string"}, "code": {"$ref": "#/components/schemas/Word"},
    "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
    "requestId": {"type": "string"}, "retryable": {"type": "boolean"}, "retryAfterSeconds": {"type": "integer"},
    "operationId": {"type": "string"}, "instanceId": {"type": "string"},
    "engine": {"type": "string", "description": "the engine that gave code and detail; the code is then the engine's own"}}}
})json";

}  // namespace

Json MakeSchemas() {
  Json out = Json::MakeObject();
  for (const char* text : {kInstanceSchemas, kOperationSchemas, kOtherSchemas}) {
    const auto part = Json::Parse(text);
    if (!part) continue;  // a test checks that every $ref resolves
    for (const auto& [name, schema] : part->members()) out.Set(name, schema);
  }
  return out;
}

}  // namespace slipway::api
