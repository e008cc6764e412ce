// Secrets that the host fills for an engine, and Secrets that an engine waits for.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include <slipway/kit/json.h>

namespace slipway::kit {

// Values of `stringData` that the host generates (DOCUMENTS.md): a password of the instance by its
// name, and a text with such passwords in it.
Json GeneratedPassword(const std::string& name, int length = 32);
Json GeneratedText(const std::string& text);

// An Opaque Secret with these `stringData`.
Json Secret(const std::string& name, Json string_data);

// Asks for the Secret `name` as the need `need`. Returns the answer of the step until the Secret
// exists and has all `keys`, and nullopt once it has.
std::optional<Json> WaitForSecret(const Json& input, const char* need, const std::string& name,
                                  const std::vector<std::string>& keys);

}  // namespace slipway::kit
