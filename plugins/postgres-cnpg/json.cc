#include "json.h"

#include <slipway/engine.hpp>

namespace cnpg {
namespace {

const Value kNull;

}  // namespace

Document Parse(std::string_view text) {
  Document document;
  // Iterative: the depth of the input must not be the depth of our stack.
  document.Parse<RAPIDJSON_NAMESPACE::kParseIterativeFlag>(text.data(), text.size());
  if (document.HasParseError() || !document.IsObject()) throw slipway::Error(SLIPWAY_INVALID, "BadJson", "the input is not a JSON object");
  return document;
}

const Value& At(const Value& value, std::string_view path) {
  const Value* at = &value;
  while (!path.empty()) {
    const size_t dot = path.find('.');
    const std::string_view key = path.substr(0, dot);
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
    if (!at->IsObject()) return kNull;
    const auto member = at->FindMember(Value(RAPIDJSON_NAMESPACE::StringRef(key.data(), static_cast<RAPIDJSON_NAMESPACE::SizeType>(key.size()))));
    if (member == at->MemberEnd()) return kNull;
    at = &member->value;
  }
  return *at;
}

std::string_view Str(const Value& value, std::string_view fallback) {
  return value.IsString() ? std::string_view(value.GetString(), value.GetStringLength()) : fallback;
}

int64_t Int(const Value& value, int64_t fallback) { return value.IsInt64() ? value.GetInt64() : fallback; }

bool Bool(const Value& value, bool fallback) { return value.IsBool() ? value.GetBool() : fallback; }

std::string Dump(const Value& value) {
  RAPIDJSON_NAMESPACE::StringBuffer buffer;
  RAPIDJSON_NAMESPACE::Writer<RAPIDJSON_NAMESPACE::StringBuffer> writer(buffer);
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

std::string Quote(std::string_view text) {
  return Dump(Value(RAPIDJSON_NAMESPACE::StringRef(text.data(), static_cast<RAPIDJSON_NAMESPACE::SizeType>(text.size()))));
}

Obj& Obj::Raw(std::string_view key, const std::string& json) {
  if (!body_.empty()) body_ += ',';
  body_ += Quote(key) + ":" + json;
  return *this;
}

std::string Array(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) out += (out.size() > 1 ? "," : "") + item;
  return out + "]";
}

std::string Strings(const std::vector<std::string>& items) {
  std::vector<std::string> quoted;
  for (const std::string& item : items) quoted.push_back(Quote(item));
  return Array(quoted);
}

}  // namespace cnpg
