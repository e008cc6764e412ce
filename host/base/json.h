#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace slipway {

// A JSON value. Objects keep the order of insertion; equality ignores it. An integer is an int64,
// any other number a double. A copy copies the whole tree.
//
// Reading never throws: a failed look-up gives the null value, a failed typed read its default.
//
// A reference to a member stays valid while the object gains and loses others. It ends when that
// member is erased or a value above it is assigned. (`object["a"]` on a mutable value may insert,
// so readers rely on this.) A reference to an element of an array does not outlive a Push.
class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::list<Member>;

  struct Limits {
    size_t depth = 64;
    size_t bytes = 64u << 20;
  };

  Json() = default;

  Json(std::nullptr_t) {}  // NOLINT

  Json(bool v) : v_(v) {}  // NOLINT

  Json(int v) : v_(static_cast<int64_t>(v)) {}  // NOLINT

  Json(int64_t v) : v_(v) {}  // NOLINT

  Json(uint32_t v) : v_(static_cast<int64_t>(v)) {}  // NOLINT

  Json(uint64_t v) : v_(static_cast<int64_t>(v)) {}  // NOLINT

  Json(double v) : v_(v) {}  // NOLINT

  Json(std::string v) : v_(std::move(v)) {}  // NOLINT

  Json(std::string_view v) : v_(std::string(v)) {}  // NOLINT

  Json(const char* v) : v_(std::string(v)) {}  // NOLINT

  Json(Array v) : v_(std::move(v)) {}  // NOLINT

  Json(Object v) : v_(std::move(v)) {}  // NOLINT

  static Json MakeArray() { return Json(Array{}); }

  static Json MakeObject() { return Json(Object{}); }

  // Json::Obj({{"a", 1}, {"b", Json::Arr({1, 2})}})
  static Json Obj(std::initializer_list<Member> members) { return Json(Object(members)); }

  static Json Arr(std::initializer_list<Json> items) { return Json(Array(items)); }

  // Reads strict UTF-8 JSON. Refuses too much depth, duplicate keys, bad UTF-8 and trailing text
  // with kInvalid "BadJson"; the message names the byte offset.
  static Result<Json> Parse(std::string_view text, const Limits& limits);

  static Result<Json> Parse(std::string_view text) { return Parse(text, Limits()); }

  // The object that the text holds. Empty where it holds none, so that one damaged record does not
  // take the others away from their reader.
  static Json ParseObject(std::string_view text);

  std::string Dump() const;
  std::string Pretty() const;
  void DumpTo(std::string& out) const;

  bool is_null() const { return v_.index() == 0; }

  bool is_bool() const { return std::holds_alternative<bool>(v_); }

  bool is_int() const { return std::holds_alternative<int64_t>(v_); }

  bool is_double() const { return std::holds_alternative<double>(v_); }

  bool is_number() const { return is_int() || is_double(); }

  bool is_string() const { return std::holds_alternative<std::string>(v_); }

  bool is_array() const { return std::holds_alternative<Array>(v_); }

  bool is_object() const { return std::holds_alternative<Object>(v_); }

  const char* type_name() const;  // "null" "boolean" "integer" "number" "string" "array" "object"

  bool AsBool(bool fallback = false) const;
  int64_t AsInt(int64_t fallback = 0) const;  // a double with an integral value counts
  double AsDouble(double fallback = 0) const;
  const std::string& AsString() const;  // "" when not a string
  std::string AsString(std::string_view fallback) const;

  const Array& items() const;     // empty when not an array
  const Object& members() const;  // empty when not an object
  Array& items();                 // becomes an array when not one
  Object& members();              // becomes an object when not one
  size_t size() const;            // elements or members

  bool empty() const { return size() == 0; }

  const Json* Find(std::string_view key) const;  // nullptr when absent
  Json* Find(std::string_view key);

  bool Has(std::string_view key) const { return Find(key) != nullptr; }

  const Json& operator[](std::string_view key) const;  // null value when absent
  Json& operator[](std::string_view key);              // inserts null when absent
  const Json& operator[](size_t index) const;          // null value when out of range

  // Without these a literal 0 or "x" would be ambiguous between the overloads above.
  const Json& operator[](int index) const { return (*this)[static_cast<size_t>(index)]; }

  const Json& operator[](const char* key) const { return (*this)[std::string_view(key)]; }

  Json& operator[](const char* key) { return (*this)[std::string_view(key)]; }

  // RFC 6901 pointer, "" is the value itself; null value when absent.
  const Json& At(std::string_view pointer) const;
  // Creates the objects on the way. Array steps must exist.
  void SetAt(std::string_view pointer, Json value);
  void EraseAt(std::string_view pointer);

  Json& Set(std::string_view key, Json value);  // replaces or appends; returns *this
  bool Erase(std::string_view key);
  void Push(Json value);

  // RFC 7396.
  void MergePatch(const Json& patch);

  bool operator==(const Json& other) const;

  bool operator!=(const Json& other) const { return !(*this == other); }

  // "a/b" → "a~1b" and "~" → "~0", for building pointers.
  static std::string EscapePointer(std::string_view token);
  // A JSON string literal with its quotes.
  static std::string Quote(std::string_view text);

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> v_;
};

}  // namespace slipway
