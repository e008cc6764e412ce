#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace slipway::sim::operators::mongodb {

// Just enough of MongoDB's protocol to send a server commands over its Unix socket.

// Writes a document as BSON: strings, booleans, small numbers, and documents and lists of them.
std::string ToBson(const Json& document);
// Reads the members of these types and leaves out others. kInvalid when the document is cut off.
Result<Json> FromBson(const std::string& bytes);

// True when a server accepts connections at this path.
bool AnswersAt(const std::string& socket_path);
// Sends a command, which names its database in "$db", and returns the server's answer. kUnavailable
// when there is no answer; a refusal is an answer.
Result<Json> MongoCommand(const std::string& socket_path, const Json& command);

}  // namespace slipway::sim::operators::mongodb
