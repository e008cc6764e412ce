#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "engine/inputs.h"
#include "store/store.h"

namespace slipway::pipeline {

// The objects that we applied for an instance, with the changes that the next commit writes. A line
// is in it before its object exists.
class Inventory {
 public:
  explicit Inventory(std::vector<store::ObjectRecord> records) : records_(std::move(records)) {}

  const std::vector<store::ObjectRecord>& records() const { return records_; }

  bool empty() const { return records_.empty(); }

  const store::ObjectRecord* Find(const store::ObjectRecord& like) const;
  void Put(const store::ObjectRecord& record);
  void Erase(const store::ObjectRecord& record);

  bool HasChanges() const { return !put_.empty() || !erased_.empty(); }

  // Moves the changes into the commit.
  void MoveChangesTo(store::Change& change);
  std::vector<engine::InventoryLine> Lines() const;
  // [{apiVersion, kind, namespace, name}]
  Json ToJson() const;

 private:
  std::vector<store::ObjectRecord> records_, put_, erased_;
};

}  // namespace slipway::pipeline
