#pragma once

#include <string>

#include "devcluster/api.h"

namespace slipway::sim {

// A text for a user who would wait for an operator that is not here. It is about a fresh object
// whose kind no behaviour plays; "" when one does, or when nobody needs to.
std::string UnplayedText(const Kind& kind, const StoredObject& object);
// Writes the text into an Event about the object, where `kubectl describe` shows it.
void NoteUnplayed(Api& api, const StoredObject& object, const std::string& text);

}  // namespace slipway::sim
