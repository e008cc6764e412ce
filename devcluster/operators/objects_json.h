#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "kube/cluster.h"

namespace slipway::sim::operators {

// Read and write the parts that every Kubernetes object has. Pure, except for the names of events.
const std::string& NameOf(const Json& object);
const std::string& NamespaceOf(const Json& object);
const std::string& UidOf(const Json& object);
const std::string& LabelOf(const Json& object, std::string_view key);
const std::string& AnnotationOf(const Json& object, std::string_view key);
bool BeingDeleted(const Json& object);
kube::ObjectRef RefOf(const Json& object);

// The condition of that type in the status of `object`, or the null value.
const Json& ConditionOf(const Json& object, std::string_view type);
bool ConditionTrue(const Json& object, std::string_view type);
// Adds or changes a condition in an array; lastTransitionTime moves only when `status` changes.
// Returns true when anything changed.
bool SetCondition(Json& conditions, const std::string& type, bool status, const std::string& reason,
                  const std::string& message, int64_t now_ms);

// The same for a status that may be "Unknown".
bool SetConditionStatus(Json& conditions, const std::string& type, const std::string& status,
                        const std::string& reason, const std::string& message, int64_t now_ms);

// A sorted array of strings, or the null value when there are none, since zero values are left out.
Json ListOrNull(std::vector<std::string> names);
// Sets the value or, when it is null, removes the key.
void SetOrErase(Json& object, std::string_view key, Json value);
// "2026-11-22T06:00:01.123000Z": the form in which the operator writes its own time stamps.
std::string MicroTime(int64_t unix_ms);
// Orders "pg-10" after "pg-9": by length, then by text.
bool SerialLess(const std::string& a, const std::string& b);
// An Event as the operator `component` records it.
Json EventAbout(const Json& object, const char* component, const char* type,
                const std::string& reason, const std::string& message, int64_t now_ms);
// "5Gi" in bytes, 0 when it is not a quantity.
int64_t QuantityBytes(const std::string& quantity);

}  // namespace slipway::sim::operators
