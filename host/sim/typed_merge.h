#pragma once

#include "base/json.h"
#include "sim/field_set.h"
#include "sim/type_view.h"

namespace slipway::sim {

// `applied` laid over `live`: maps and keyed lists field by field, everything else replaced.
Json MergeTyped(const Json& live, const Json& applied, const TypeView& type);
// Without the fields of `gone`. A list element that is a member goes as a whole unless something in
// it is in `kept`; a container that became empty through it goes as well.
void RemoveFields(Json& value, const FieldSet& gone, const FieldSet& kept, const TypeView& type);

}  // namespace slipway::sim
