// Reading and writing JSON inside this engine. RapidJSON stays under a namespace of its own, so that
// two engines with different copies never meet.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#define RAPIDJSON_NAMESPACE slipway_cnpg_rapidjson
#define RAPIDJSON_NAMESPACE_BEGIN namespace slipway_cnpg_rapidjson {
#define RAPIDJSON_NAMESPACE_END }
#define RAPIDJSON_ASSERT(x) \
  if (!(x)) throw std::logic_error("rapidjson: " #x)
#include <stdexcept>

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace cnpg {

using Value = RAPIDJSON_NAMESPACE::Value;
using Document = RAPIDJSON_NAMESPACE::Document;

// Parses a whole document; throws slipway::Error INVALID on bad text.
Document Parse(std::string_view text);
// Dotted path of members ("metadata.labels"); the null value when something is absent.
const Value& At(const Value& value, std::string_view path);
std::string_view Str(const Value& value, std::string_view fallback = {});
int64_t Int(const Value& value, int64_t fallback = 0);
bool Bool(const Value& value, bool fallback = false);
std::string Quote(std::string_view text);
std::string Dump(const Value& value);

// An object being written. Members keep the order in which they were added.
class Obj {
 public:
  Obj& Raw(std::string_view key, const std::string& json);
  Obj& Str(std::string_view key, std::string_view text) { return Raw(key, Quote(text)); }
  Obj& Num(std::string_view key, int64_t n) { return Raw(key, std::to_string(n)); }
  Obj& Bool(std::string_view key, bool b) { return Raw(key, b ? "true" : "false"); }
  Obj& Add(std::string_view key, const Obj& object) { return Raw(key, object.Text()); }
  std::string Text() const { return "{" + body_ + "}"; }
  bool empty() const { return body_.empty(); }

 private:
  std::string body_;
};

std::string Array(const std::vector<std::string>& items);         // of JSON texts
std::string Strings(const std::vector<std::string>& items);       // of strings

}  // namespace cnpg
