// Secrets: those that the host makes for an engine, and those that an engine waits for.
#pragma once
#include <initializer_list>
#include <optional>
#include <string>

#include <slipway/kit/json.h>

namespace slipway::kit {

// Values of `stringData` as DOCUMENTS.md says it: a password of the instance by its name, and a
// text with such passwords in it.
Json GeneratedPassword(const std::string& name, int length = 32);
Json GeneratedText(const std::string& text);

// An Opaque Secret of these `stringData`.
Json Secret(const std::string& name, Json string_data);

// Asks for the Secret `name` as the need `need`. The answer to give while it is not what it must
// be; nothing when it has all `keys`.
std::optional<Json> WaitForSecret(const Json& input, const char* need, const std::string& name,
                                  std::initializer_list<std::string> keys);

}  // namespace slipway::kit
