#include "api/openapi.h"

namespace slipway::api {
namespace {

constexpr const char* kInstanceSchemas = R"json({
"CreateInstance": {"type": "object", "additionalProperties": false,
  "required": ["orgId", "projectName", "databaseType", "tier"],
  "properties": {
    "orgId": {"$ref": "#/components/schemas/DnsLabel"},
    "projectName": {"$ref": "#/components/schemas/DnsLabel"},
    "name": {"$ref": "#/components/schemas/DnsLabel"},
    "databaseType": {"type": "string", "description": "of a loaded engine; GET /v1/engines lists them"},
    "tier": {"type": "string", "examples": ["STANDARD"]},
    "backup": {"type": ["object", "null"]},
    "parameters": {"type": "object"},
    "labels": {"$ref": "#/components/schemas/Labels"},
    "deletionProtection": {"type": "boolean", "default": false},
    "onFailure": {"$ref": "#/components/schemas/OnFailure"}}},
"PatchInstance": {"type": "object", "additionalProperties": false,
  "properties": {
    "deletionProtection": {"type": "boolean"},
    "labels": {"type": ["object", "null"], "additionalProperties": {"type": ["string", "null"]}}}},
"Empty": {"type": "object", "additionalProperties": false},
"DnsLabel": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"},
"Labels": {"type": "object", "maxProperties": 64, "additionalProperties": {"type": "string", "maxLength": 63}},
"OnFailure": {"type": "string", "enum": ["ROLLBACK", "RETAIN"]},
"Time": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$"},
"Word": {"type": "string", "pattern": "^[A-Z0-9_]+$"},
"Address": {"type": "object", "additionalProperties": false, "required": ["host", "port"],
  "properties": {"host": {"type": "string"}, "port": {"type": "integer"}}},
"Endpoint": {"type": "object", "additionalProperties": false, "required": ["name", "role", "host", "port", "tls"],
  "properties": {
    "name": {"type": "string"}, "role": {"type": "string", "enum": ["READ_WRITE", "READ_ONLY", "ANY"]},
    "host": {"type": "string"}, "port": {"type": "integer"},
    "tls": {"type": "boolean", "description": "Whether the server there takes nothing but TLS."},
    "external": {"$ref": "#/components/schemas/Address"}}},
"Condition": {"type": "object", "additionalProperties": false, "required": ["type", "status", "reason"],
  "properties": {
    "type": {"type": "string", "enum": ["Ready"]},
    "status": {"type": "string", "enum": ["TRUE", "FALSE", "UNKNOWN"]},
    "reason": {"$ref": "#/components/schemas/Word"}, "message": {"type": "string"}}},
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
    "state": {"type": "string", "enum": ["PROVISIONING", "ACTIVE", "DEGRADED", "DELETING", "DELETED", "FAILED", "UNKNOWN"]},
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
    "tls": {"type": "boolean", "description": "Whether the server there takes nothing but TLS; the strings do not say how: that is the driver's."},
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
    "reason": {"type": "string"}, "since": {"type": "string"}}},
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
                 "description": "what a delete with retainVolumes=true left behind"},
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
    "nextAfter": {"type": "integer", "description": "there are more: ask again with ?after="}}}
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
"Version": {"type": "object", "additionalProperties": false, "required": ["version", "commit", "apiVersion"],
  "properties": {"version": {"type": "string"}, "commit": {"type": "string"}, "apiVersion": {"const": "v1"}}},
"Check": {"type": "object", "additionalProperties": false, "required": ["name", "ok"],
  "properties": {"name": {"type": "string"}, "ok": {"type": "boolean"}, "reason": {"type": "string"}}},
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
    "operationId": {"type": "string"}, "instanceId": {"type": "string"}}}
})json";

}  // namespace

Json MakeSchemas() {
  Json out = Json::MakeObject();
  for (const char* text : {kInstanceSchemas, kOperationSchemas, kOtherSchemas}) {
    const auto part = Json::Parse(text);
    if (!part) continue;  // a test sees every $ref resolve
    for (const auto& [name, schema] : part->members()) out.Set(name, schema);
  }
  return out;
}

}  // namespace slipway::api
