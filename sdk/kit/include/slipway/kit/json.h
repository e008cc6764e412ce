// A JSON value with ordered members, so that equal input gives equal bytes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::kit {

class Json {
 public:
  enum class Type { kNull, kBool, kInt, kReal, kString, kArray, kObject };
  using Field = std::pair<std::string_view, Json>;

  // NOLINTBEGIN(google-explicit-constructor): Json::Obj({{"a", 1}})
  Json() = default;

  Json(std::nullptr_t) {}

  Json(bool value) : type_(Type::kBool), int_(value ? 1 : 0) {}

  Json(int value) : type_(Type::kInt), int_(value) {}

  Json(int64_t value) : type_(Type::kInt), int_(value) {}

  Json(double value) : type_(Type::kReal), real_(value) {}

  Json(const char* value) : type_(Type::kString), text_(value) {}

  Json(std::string value) : type_(Type::kString), text_(std::move(value)) {}

  Json(std::string_view value) : type_(Type::kString), text_(value) {}

  // NOLINTEND(google-explicit-constructor)

  static Json Obj(std::initializer_list<Field> fields = {});
  static Json Arr(std::initializer_list<Json> items = {});
  // Throws slipway::Error INVALID unless `text` is one UTF-8 JSON document, nested at most 64 deep.
  static Json Parse(std::string_view text);
  std::string Dump() const;

  bool IsNull() const { return type_ == Type::kNull; }

  bool IsBool() const { return type_ == Type::kBool; }

  bool IsInt() const { return type_ == Type::kInt; }

  bool IsReal() const { return type_ == Type::kReal; }

  bool IsString() const { return type_ == Type::kString; }

  bool IsArray() const { return type_ == Type::kArray; }

  bool IsObject() const { return type_ == Type::kObject; }

  bool AsBool(bool otherwise = false) const { return IsBool() ? int_ != 0 : otherwise; }

  int64_t AsInt(int64_t otherwise = 0) const { return IsInt() ? int_ : otherwise; }

  // Empty unless it is a string.
  const std::string& AsString() const { return text_; }

  // A missing member reads as null.
  const Json& operator[](std::string_view key) const;
  // Member names separated by '/', as in At("status/phase").
  const Json& At(std::string_view path) const;
  bool Has(std::string_view key) const;
  Json& Set(std::string_view key, Json value);
  Json& Push(Json value);
  // Pushes every item of another array.
  Json& Append(const Json& array);

  // The items of an array, or the values of an object beside keys().
  const std::vector<Json>& items() const { return items_; }

  const std::vector<std::string>& keys() const { return keys_; }

  bool operator==(const Json& other) const;

 private:
  template <class Writer>
  void Write(Writer& writer) const;

  Type type_ = Type::kNull;
  int64_t int_ = 0;
  double real_ = 0;
  std::string text_;
  std::vector<std::string> keys_;
  std::vector<Json> items_;
};

}  // namespace slipway::kit
