#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "devcluster/kinds.h"
#include "devcluster/selectors.h"

namespace slipway::sim {

struct OwnerReference {
  std::string api_version, kind, name, uid;
  bool blocks = false;  // blockOwnerDeletion
};

// One version of an object: its text, and the parts that the server needs without parsing.
// Immutable once it is in the store.
struct StoredObject {
  std::string text;  // complete JSON; storing it splices the version in
  std::string ns, name, uid;
  uint64_t version = 0;  // resourceVersion
  StringPairs labels;
  StringPairs fields;  // the fields that field selectors see
  std::vector<OwnerReference> owners;
  std::vector<std::string> finalizers;
  bool deleting = false;  // it has a deletionTimestamp

  Json Parse() const;

  std::string key() const { return ns + "/" + name; }
};

using ObjectPtr = std::shared_ptr<const StoredObject>;

// Makes the text, with the metadata first and a place for the version.
std::shared_ptr<StoredObject> MakeObject(const Kind& kind, const Json& object);
// Writes the version into the text. Call it once.
void SetVersion(StoredObject& object, uint64_t version);
// Appends the object as an element of a list: there Kubernetes' own objects do not name their kind.
void AppendItem(const Kind& kind, const StoredObject& object, std::string& out);
// For an object that will not be stored.
void DropVersion(StoredObject& object);
// For an object in memory that is written again (deletion events).
std::shared_ptr<StoredObject> CopyForVersion(const StoredObject& object);

// The fields by which a kind can be selected.
std::vector<std::string> SelectableFields(const Kind& kind);

}  // namespace slipway::sim
