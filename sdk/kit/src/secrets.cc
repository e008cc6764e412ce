#include <algorithm>
#include <utility>

#include <slipway/kit/objects.h>
#include <slipway/kit/secrets.h>
#include <slipway/kit/verdict.h>

namespace slipway::kit {

Json GeneratedPassword(const std::string& name, int length) {
  return Json::Obj(
      {{"$generate", Json::Obj({{"kind", "password"}, {"name", name}, {"length", length}})}});
}

Json GeneratedText(const std::string& text) {
  return Json::Obj({{"$generate", Json::Obj({{"kind", "text"}, {"text", text}})}});
}

Json Secret(const std::string& name, Json string_data) {
  return Object("v1", "Secret", name)
      .Set("type", "Opaque")
      .Set("stringData", std::move(string_data));
}

std::optional<Json> WaitForSecret(const Json& input, const char* need, const std::string& name,
                                  const std::vector<std::string>& keys) {
  const auto wait = [&](const std::string& message, const char* reason) {
    return Result(
        Progress("WaitingForSecret", "the Secret " + name + " " + message, -1,
                 WaitingFor("Secret", input["instance"]["namespace"].AsString(), name, reason)));
  };
  if (!input["needs"].Has(need)) {
    Json out = wait("is looked up", "NotRead");
    return out.Set("need", Json::Obj({{need, ObjectName("v1", "Secret", name)}}));
  }
  const Json& secret = input["needs"][need];
  if (secret.IsNull()) return wait("does not exist", "SecretNotFound");
  const auto& present = secret["keys"].items();
  for (const std::string& key : keys) {
    if (std::find(present.begin(), present.end(), Json(key)) == present.end())
      return wait("has no key " + key, "SecretKeyMissing");
  }
  return std::nullopt;
}

}  // namespace slipway::kit
