#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sim/kinds.h"
#include "sim/selectors.h"

namespace slipway::sim {

struct OwnerReference {
  std::string api_version, kind, name, uid;
  bool blocks = false;  // blockOwnerDeletion
};

// One version of an object: its text, and what the server asks of it without parsing. Immutable
// once it is in the store.
struct StoredObject {
  std::string text;  // complete JSON; the version is spliced in when it is stored
  std::string ns, name, uid;
  uint64_t version = 0;  // resourceVersion
  StringPairs labels;
  StringPairs fields;  // what field selectors see
  std::vector<OwnerReference> owners;
  std::vector<std::string> finalizers;
  bool deleting = false;  // has a deletionTimestamp

  Json Parse() const;

  std::string key() const { return ns + "/" + name; }
};

using ObjectPtr = std::shared_ptr<const StoredObject>;

// The text with metadata first and a place where the version goes.
std::shared_ptr<StoredObject> MakeObject(const Kind& kind, const Json& object);
// Writes the version into the text; once.
void SetVersion(StoredObject& object, uint64_t version);
// Of an object in memory that is written again (deletion events).
// As one of a list: Kubernetes' own objects do not say their kind there.
void AppendItem(const Kind& kind, const StoredObject& object, std::string& out);
// Of an object that will not be stored.
void DropVersion(StoredObject& object);
std::shared_ptr<StoredObject> CopyForVersion(const StoredObject& object);

// Fields that a kind can be selected by.
std::vector<std::string> SelectableFields(const Kind& kind);

}  // namespace slipway::sim
