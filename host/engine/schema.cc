#include "engine/schema.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <regex>

#include "engine/text.h"

namespace slipway::engine {
namespace {

constexpr int kMaxDepth = 200;            // stops a $ref to itself
constexpr size_t kMaxPatternText = 4096;  // std::regex recurses once per character

// The place of a value. It becomes a string only on demand.
struct Place {
  const Place* above = nullptr;
  std::string_view key = {};
  size_t index = 0;
  bool in_array = false;

  std::string Pointer() const {
    if (above == nullptr) return "";
    return above->Pointer() + "/" + (in_array ? std::to_string(index) : Json::EscapePointer(key));
  }
};

size_t Characters(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

bool IsWhole(const Json& value) {
  return value.is_int() || (value.is_double() && value == Json(std::trunc(value.AsDouble())));
}

bool HasType(const Json& value, const std::string& type) {
  if (type == "integer") return IsWhole(value);
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_bool();
  return type == value.type_name();
}

std::string Article(const std::string& type) {
  if (type == "null" || type == "boolean") return type == "null" ? "null" : "true or false";
  return (type == "integer" || type == "object" || type == "array" ? "an " : "a ") + type;
}

std::string List(const Json& words, const std::function<std::string(const Json&)>& print) {
  std::string out;
  for (const Json& word : words.items()) out += (out.empty() ? "" : ", ") + print(word);
  return out;
}

std::string Short(const Json& value) {
  if (value.is_array() || value.is_object()) return std::string("an ") + value.type_name();
  return value.is_string() ? Json::Quote(Printable(value.AsString(), 64)) : value.Dump();
}

struct Limit {
  const char* least;
  const char* most;
  const char* of;
};

}  // namespace

struct Schema::Compiled {
  Json root;
  std::map<std::string, std::regex> patterns;

  std::optional<Violation> Prepare(const Json& schema, const Place& at, Patterns how);
};

namespace {

using Violation = Schema::Violation;

// Checks one value.
class Look {
 public:
  Look(const Json& root, const std::map<std::string, std::regex>& patterns)
      : root_(root), patterns_(patterns) {}

  std::optional<Violation> Visit(const Json& schema, const Json& value, const Place& at,
                                 int depth) const;

 private:
  using Outcome = std::optional<Violation>;

  static Outcome Wrong(const Place& at, std::string what) {
    return Violation{at.Pointer(), std::move(what)};
  }

  static Outcome Within(const Json& schema, const Limit& limit, double size, const Place& at) {
    const Json *least = schema.Find(limit.least), *most = schema.Find(limit.most);
    const auto text = [](const Json& number) { return number.Dump(); };
    if (least != nullptr && size < least->AsDouble())
      return Wrong(at, "is under " + text(*least) + limit.of);
    if (most != nullptr && size > most->AsDouble())
      return Wrong(at, "is over " + text(*most) + limit.of);
    return std::nullopt;
  }

  static Outcome Type(const Json& schema, const Json& value, const Place& at);
  Outcome Value(const Json& schema, const Json& value, const Place& at) const;
  Outcome Members(const Json& schema, const Json& value, const Place& at, int depth) const;
  Outcome Items(const Json& schema, const Json& value, const Place& at, int depth) const;
  Outcome Forms(const Json& schema, const Json& value, const Place& at, int depth) const;

  const Json& root_;
  const std::map<std::string, std::regex>& patterns_;
};

std::optional<Violation> Look::Type(const Json& schema, const Json& value, const Place& at) {
  const Json* type = schema.Find("type");
  if (type == nullptr) return std::nullopt;
  if (type->is_string()) {
    if (HasType(value, type->AsString())) return std::nullopt;
    return Wrong(at, "is not " + Article(type->AsString()) + " but " + value.type_name());
  }
  const auto& types = type->items();
  if (std::any_of(types.begin(), types.end(),
                  [&](const Json& one) { return HasType(value, one.AsString()); }))
    return std::nullopt;
  return Wrong(at, "is not one of these types: " +
                       List(*type, [](const Json& one) { return one.AsString(); }));
}

std::optional<Violation> Look::Value(const Json& schema, const Json& value, const Place& at) const {
  if (const Json* only = schema.Find("const"); only != nullptr && value != *only)
    return Wrong(at, "is " + Short(value) + ", not " + Short(*only));
  if (const Json* known = schema.Find("enum"); known != nullptr) {
    const auto& all = known->items();
    if (std::find(all.begin(), all.end(), value) == all.end())
      return Wrong(at, "is " + Short(value) + ", not one of " + List(*known, Short));
  }
  if (value.is_number()) return Within(schema, {"minimum", "maximum", ""}, value.AsDouble(), at);
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.AsString();
  if (auto wrong = Within(schema, {"minLength", "maxLength", " characters"},
                          static_cast<double>(Characters(text)), at))
    return wrong;
  const auto pattern = patterns_.find(schema["pattern"].AsString());
  if (!schema.Has("pattern") || pattern == patterns_.end()) return std::nullopt;
  if (text.size() > kMaxPatternText || !std::regex_search(text, pattern->second))
    return Wrong(at, "is " + Short(value) + ", which does not match " + pattern->first);
  return std::nullopt;
}

std::optional<Violation> Look::Members(const Json& schema, const Json& value, const Place& at,
                                       int depth) const {
  if (auto wrong = Within(schema, {"minProperties", "maxProperties", " members"},
                          static_cast<double>(value.size()), at))
    return wrong;
  const Json& known = schema["properties"];
  const Json* others = schema.Find("additionalProperties");
  for (const auto& [key, member] : value.members()) {
    const Json* rule = known.Find(key);
    if (rule == nullptr) rule = others;
    if (rule == nullptr) continue;
    if (auto wrong = Visit(*rule, member, Place{&at, key}, depth + 1)) return wrong;
  }
  for (const Json& key : schema["required"].items()) {
    if (!value.Has(key.AsString())) return Wrong(Place{&at, key.AsString()}, "is missing");
  }
  return std::nullopt;
}

std::optional<Violation> Look::Items(const Json& schema, const Json& value, const Place& at,
                                     int depth) const {
  if (auto wrong =
          Within(schema, {"minItems", "maxItems", " items"}, static_cast<double>(value.size()), at))
    return wrong;
  const Json* rule = schema.Find("items");
  if (rule == nullptr) return std::nullopt;
  for (size_t i = 0; i < value.size(); ++i) {
    if (auto wrong = Visit(*rule, value[i], Place{&at, {}, i, true}, depth + 1)) return wrong;
  }
  return std::nullopt;
}

std::optional<Violation> Look::Forms(const Json& schema, const Json& value, const Place& at,
                                     int depth) const {
  if (const Json* forms = schema.Find("anyOf"); forms != nullptr) {
    const auto& all = forms->items();
    if (std::none_of(all.begin(), all.end(),
                     [&](const Json& form) { return !Visit(form, value, at, depth + 1); }))
      return Wrong(at, "has none of the allowed forms");
  }
  if (schema.Has("if") && schema.Has("then") && !Visit(schema["if"], value, at, depth + 1))
    return Visit(schema["then"], value, at, depth + 1);
  return std::nullopt;
}

std::optional<Violation> Look::Visit(const Json& schema, const Json& value, const Place& at,
                                     int depth) const {
  if (depth > kMaxDepth) return Wrong(at, "nests too deeply");
  if (schema.is_bool() && !schema.AsBool()) return Wrong(at, "is not known here");
  if (!schema.is_object()) return std::nullopt;
  if (const Json* ref = schema.Find("$ref"); ref != nullptr) {
    if (auto wrong = Visit(root_.At(ref->AsString().substr(1)), value, at, depth + 1)) return wrong;
  }
  if (auto wrong = Type(schema, value, at)) return wrong;
  if (auto wrong = Value(schema, value, at)) return wrong;
  if (value.is_object()) {
    if (auto wrong = Members(schema, value, at, depth)) return wrong;
  }
  if (value.is_array()) {
    if (auto wrong = Items(schema, value, at, depth)) return wrong;
  }
  return Forms(schema, value, at, depth);
}

// Checks a keyword's own value: the part of the meta-schema that Look relies on.
const char* KeywordWrong(const std::string& key, const Json& value, const Json& root) {
  static const std::map<std::string, bool (Json::*)() const> kTypes = {
      {"pattern", &Json::is_string},       {"minimum", &Json::is_number},
      {"maximum", &Json::is_number},       {"minLength", &Json::is_number},
      {"maxLength", &Json::is_number},     {"minItems", &Json::is_number},
      {"maxItems", &Json::is_number},      {"minProperties", &Json::is_number},
      {"maxProperties", &Json::is_number}, {"properties", &Json::is_object},
      {"$defs", &Json::is_object},         {"anyOf", &Json::is_array},
      {"enum", &Json::is_array},           {"required", &Json::is_array}};
  if (const auto type = kTypes.find(key); type != kTypes.end() && !(value.*type->second)())
    return "has a value of the wrong type";
  if (key == "type") {
    const auto known = [](const Json& one) {
      static const std::string_view kNames[] = {"null",   "boolean", "integer", "number",
                                                "string", "array",   "object"};
      return std::find(std::begin(kNames), std::end(kNames), one.AsString()) != std::end(kNames);
    };
    const bool good = value.is_array() && !value.empty()
                          ? std::all_of(value.items().begin(), value.items().end(), known)
                          : known(value);
    if (!good) return "is not a type";
  }
  if (key == "required" && !std::all_of(value.items().begin(), value.items().end(),
                                        [](const Json& one) { return one.is_string(); }))
    return "is not a list of names";
  if (key == "$ref" && (!value.AsString().starts_with('#') ||
                        (value.AsString() != "#" && root.At(value.AsString().substr(1)).is_null())))
    return "points to nothing within the schema";
  return nullptr;
}

}  // namespace

std::optional<Violation> Schema::Compiled::Prepare(const Json& schema, const Place& at,
                                                   Patterns how) {
  if (schema.is_bool()) return std::nullopt;
  if (!schema.is_object()) return Violation{at.Pointer(), "is not a schema"};
  for (const auto& [key, value] : schema.members()) {
    const Place here{&at, key};
    if (const char* wrong = KeywordWrong(key, value, root)) return Violation{here.Pointer(), wrong};
    if (key == "pattern" && how == Patterns::kMatched) {
      try {
        patterns.emplace(value.AsString(), std::regex(value.AsString()));
      } catch (const std::regex_error&) {
        return Violation{here.Pointer(), "is not a pattern"};
      }
    }
    std::optional<Violation> wrong;
    if (key == "properties" || key == "$defs") {
      for (const auto& [name, part] : value.members())
        if (!wrong) wrong = Prepare(part, Place{&here, name}, how);
    } else if (key == "anyOf") {
      for (size_t i = 0; i < value.size() && !wrong; ++i)
        wrong = Prepare(value[i], Place{&here, {}, i, true}, how);
    } else if (key == "additionalProperties" || key == "items" || key == "if" || key == "then") {
      wrong = Prepare(value, here, how);
    }
    if (wrong) return wrong;
  }
  return std::nullopt;
}

Result<Schema> Schema::Compile(Json schema, Patterns patterns) {
  const auto compiled = std::make_shared<Compiled>();
  compiled->root = std::move(schema);
  if (auto wrong = compiled->Prepare(compiled->root, Place{}, patterns))
    return Error{Code::kInvalid, "BadSchema", wrong->pointer + " " + wrong->what, wrong->pointer};
  Schema out;
  out.compiled_ = compiled;
  return out;
}

std::optional<Schema::Violation> Schema::Check(const Json& value, const std::string& part) const {
  return Look(compiled_->root, compiled_->patterns)
      .Visit(compiled_->root.At(part), value, Place{}, 0);
}

}  // namespace slipway::engine
