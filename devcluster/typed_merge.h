#pragma once

#include "base/json.h"
#include "devcluster/field_set.h"
#include "devcluster/type_view.h"

namespace slipway::sim {

// Lays `applied` over `live`: maps and keyed lists field by field, everything else as a whole.
Json MergeTyped(const Json& live, const Json& applied, const TypeView& type);
// Removes the fields of `gone`. A list element that is a member goes as a whole, unless `kept` has
// something inside it. A container that becomes empty goes as well.
void RemoveFields(Json& value, const FieldSet& gone, const FieldSet& kept, const TypeView& type);

}  // namespace slipway::sim
