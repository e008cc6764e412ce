#pragma once

#include <string_view>
#include <utility>

#include "base/json.h"

namespace slipway::sim {

// Sets a default of a built-in kind.
inline void Default(Json& object, std::string_view key, Json value) {
  if (!object.Has(key)) object.Set(key, std::move(value));
}

// Runs `change` on every element of the list, if there is one.
template <class Change>
void Each(Json& object, std::string_view list, Change change) {
  if (Json* found = object.Find(list); found != nullptr && found->is_array())
    for (Json& item : found->items()) change(item);
}

// Sets the protocol of ports that name none to TCP.
void DefaultProtocols(Json& object);
// Sets the defaults in the spec of a pod or of a pod template.
void DefaultPodSpec(Json& spec);

}  // namespace slipway::sim
