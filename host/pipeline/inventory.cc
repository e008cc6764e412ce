#include "pipeline/inventory.h"

#include <algorithm>

namespace slipway::pipeline {
namespace {

auto SameAs(const store::ObjectRecord& record) {
  return [&record](const store::ObjectRecord& other) { return store::SameObject(other, record); };
}

}  // namespace

const store::ObjectRecord* Inventory::Find(const store::ObjectRecord& like) const {
  const auto known = std::find_if(records_.begin(), records_.end(), SameAs(like));
  return known != records_.end() ? &*known : nullptr;
}

void Inventory::Put(const store::ObjectRecord& record) {
  std::erase_if(erased_, SameAs(record));
  std::erase_if(put_, SameAs(record));
  put_.push_back(record);
  const auto known = std::find_if(records_.begin(), records_.end(), SameAs(record));
  if (known != records_.end()) {
    *known = record;
  } else {
    records_.push_back(record);
  }
}

void Inventory::Erase(const store::ObjectRecord& record) {
  // `record` may be one of ours. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
  const store::ObjectRecord copy = record;
  std::erase_if(put_, SameAs(copy));
  erased_.push_back(copy);
  std::erase_if(records_, SameAs(copy));
}

void Inventory::MoveChangesTo(store::Change& change) {
  change.put_objects = std::exchange(put_, {});
  change.erase_objects = std::exchange(erased_, {});
}

std::vector<engine::InventoryLine> Inventory::Lines() const {
  std::vector<engine::InventoryLine> out;
  for (const auto& record : records_)
    out.push_back({record.api_version, record.kind, record.ns, record.name, record.uid});
  return out;
}

Json Inventory::ToJson() const {
  Json out = Json::MakeArray();
  for (const auto& record : records_)
    out.Push(Json::Obj({{"apiVersion", record.api_version},
                        {"kind", record.kind},
                        {"namespace", record.ns},
                        {"name", record.name}}));
  return out;
}

}  // namespace slipway::pipeline
