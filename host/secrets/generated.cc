#include "secrets/generated.h"

#include <algorithm>
#include <cctype>
#include <functional>

#include "base/crypto.h"

namespace slipway::secrets {
namespace {

constexpr char kDirective[] = "$generate";
constexpr size_t kStandardLength = 32, kShortest = 8, kLongest = 128, kLongestName = 32;
constexpr std::string_view kNativePassword = "mysql_native_password";

using Transform = std::string (*)(const std::string&);

// null for an unknown form.
Transform TransformOf(std::string_view name) {
  if (name.empty()) return [](const std::string& password) { return password; };
  if (name == kNativePassword) return MysqlNativePassword;
  return nullptr;
}

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && name[0] >= 'a' && name[0] <= 'z' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
         });
}

// Walks a text with ${NAME} and ${NAME|FORM}. `put` gets the pieces between them; `secret` gets the
// names. Returns the error; "" when the text is well-formed.
std::string WalkText(const std::string& text, const std::function<void(std::string_view)>& put,
                     const std::function<void(const std::string&, Transform)>& secret) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t dollar = text.find("${", at);
    if (dollar == std::string::npos) break;
    if (dollar > at && text[dollar - 1] == '$') {
      put(std::string_view(text).substr(at, dollar - 1 - at));
      put("${");
      at = dollar + 2;
      continue;
    }
    put(std::string_view(text).substr(at, dollar - at));
    const size_t end = text.find('}', dollar);
    if (end == std::string::npos) return "a ${ has no end";
    const std::string inside = text.substr(dollar + 2, end - dollar - 2);
    const size_t bar = inside.find('|');
    const std::string name = inside.substr(0, bar),
                      form = bar == std::string::npos ? "" : inside.substr(bar + 1);
    const Transform transform = TransformOf(form);
    if (!IsName(name) || transform == nullptr || (bar != std::string::npos && form.empty()))
      return "${" + inside + "} names no password in a known form";
    secret(name, transform);
    at = end + 1;
  }
  put(std::string_view(text).substr(std::min(at, text.size())));
  return "";
}

// Adds the passwords of one directive. Returns the error, or "".
std::string Collect(const Json& directive, std::map<std::string, size_t>& lengths) {
  const std::string& kind = directive["kind"].AsString();
  if (kind == "password") {
    const std::string& name = directive["name"].AsString();
    const int64_t length = directive["length"].AsInt(int64_t{kStandardLength});
    if (!IsName(name)) return "a password needs a name such as \"app\"";
    if (length < int64_t{kShortest} || length > int64_t{kLongest})
      return "a password has 8 to 128 characters";
    lengths[name] = static_cast<size_t>(length);
    return "";
  }
  if (kind == "text" && directive["text"].is_string()) {
    return WalkText(
        directive["text"].AsString(), [](std::string_view) {},
        [&](const std::string& name, Transform) { lengths.emplace(name, kStandardLength); });
  }
  return "kind must be password or text";
}

bool HasDirective(const Json& value) {
  if (value.is_object()) {
    for (const auto& [key, member] : value.members())
      if (key == kDirective || HasDirective(member)) return true;
  } else if (value.is_array()) {
    return std::any_of(value.items().begin(), value.items().end(), HasDirective);
  }
  return false;
}

bool IsSecret(const Json& object) {
  return object["apiVersion"].AsString() == "v1" && object["kind"].AsString() == "Secret";
}

}  // namespace

Result<void> CollectGenerated(const Json& object, std::map<std::string, size_t>& lengths) {
  const auto refuse = [&](const std::string& why) {
    return Error{Code::kInternal, "ForbiddenEffect",
                 "$generate in " + object["kind"].AsString() + " " +
                     object["metadata"]["name"].AsString() + ": " + why};
  };
  for (const auto& [key, member] : object.members()) {
    if (key != "stringData" || !IsSecret(object)) {
      if (HasDirective(member)) return refuse("allowed only in the stringData of a Secret");
      continue;
    }
    for (const auto& [field, value] : member.members()) {
      if (value.is_string()) continue;
      if (value.members().size() != 1 || !value[kDirective].is_object())
        return refuse(field + " must be a string or {\"$generate\": {…}}");
      if (const std::string why = Collect(value[kDirective], lengths); !why.empty())
        return refuse(field + ": " + why);
    }
  }
  return {};
}

Json WithGenerated(Json object, const std::map<std::string, SecretText>& values) {
  if (!IsSecret(object) || !std::as_const(object)["stringData"].is_object()) return object;
  Json data = std::as_const(object)["data"];
  if (!data.is_object()) data = Json::MakeObject();
  for (const auto& [field, value] : std::as_const(object)["stringData"].members()) {
    std::string text = value.AsString();
    if (const Json& directive = value[kDirective]; directive.is_object()) {
      if (directive["kind"].AsString() == "password") {
        text = values.at(directive["name"].AsString()).Reveal();
      } else {
        WalkText(
            directive["text"].AsString(), [&](std::string_view piece) { text += piece; },
            [&](const std::string& name, Transform form) {
              text += form(values.at(name).Reveal());
            });
      }
    }
    data.Set(field, Base64Encode(text));
    Wipe(text);
  }
  object.Erase("stringData");
  object.Set("data", std::move(data));
  return object;
}

std::string MysqlNativePassword(const std::string& password) {
  std::string hash = "*" + HexEncode(Sha1(Sha1(password)));
  std::transform(hash.begin(), hash.end(), hash.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return hash;
}

}  // namespace slipway::secrets
