#include <cmath>
#include <set>

#include "devcluster/schema.h"

namespace slipway::sim {

namespace {

using Type = Schema::Type;

bool Fits(Type type, const Json& value) {
  switch (type) {
    case Type::kAny:
      return true;
    case Type::kObject:
      return value.is_object();
    case Type::kArray:
      return value.is_array();
    case Type::kString:
      return value.is_string();
    case Type::kInteger:
      return value.is_int() ||
             (value.is_double() && std::trunc(value.AsDouble()) == value.AsDouble());
    case Type::kNumber:
      return value.is_number();
    case Type::kBoolean:
      return value.is_bool();
    case Type::kIntOrString:
      return value.is_int() || value.is_string();
  }
  return true;
}

const char* TypeName(Type type) {
  switch (type) {
    case Type::kAny:
      return "any";
    case Type::kObject:
      return "object";
    case Type::kArray:
      return "array";
    case Type::kString:
      return "string";
    case Type::kInteger:
      return "integer";
    case Type::kNumber:
      return "number";
    case Type::kBoolean:
      return "boolean";
    case Type::kIntOrString:
      return "integer or string";
  }
  return "any";
}

// Prints a value of the wrong type as Go's %v does in the API server: an object or list as the name
// of its JSON type.
std::string Shown(const Json& value) {
  return value.is_string() || value.is_number() || value.is_bool() ? value.Dump()
                                                                   : Json::Quote(value.type_name());
}

std::string Number(double value) {
  return std::trunc(value) == value ? std::to_string(Json(value).AsInt()) : Json(value).Dump();
}

size_t CodePoints(const std::string& text) {
  size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return n;
}

class Checker {
 public:
  void Check(const Schema& schema, const Json& value, const std::string& path, bool root) {
    if (value.is_null() && schema.nullable) return;
    if (!Fits(schema.type, value)) {
      const std::string shown =
          value.is_null() ? Json::Quote("null") : Json::Quote(value.type_name());
      Add("FieldValueTypeInvalid", path,
          "Invalid value: " + shown + ": " + path + " in body must be of type " +
              TypeName(schema.type) + ": " + shown);
      return;
    }
    CheckEnum(schema, value, path);
    if (value.is_number()) CheckNumber(schema, value, path);
    if (value.is_string()) CheckString(schema, value, path);
    if (value.is_array()) CheckArray(schema, value, path);
    if (value.is_object()) CheckObject(schema, value, path, root);
  }

  std::vector<Cause> Take() { return std::move(causes_); }

 private:
  void Add(const char* reason, const std::string& path, std::string message) {
    causes_.push_back({reason, std::move(message), path.empty() ? "<nil>" : path});
  }

  void Bad(const std::string& path, const Json& value, const std::string& why) {
    Add("FieldValueInvalid", path,
        "Invalid value: " + Shown(value) + ": " + path + " in body " + why);
  }

  void CheckEnum(const Schema& schema, const Json& value, const std::string& path) {
    if (schema.values.empty()) return;
    std::string supported;
    for (const Json& allowed : schema.values) {
      if (allowed == value) return;
      if (!supported.empty()) supported += ", ";
      supported += allowed.is_string() ? allowed.Dump() : Json::Quote(allowed.Dump());
    }
    Add("FieldValueNotSupported", path,
        "Unsupported value: " + Shown(value) + ": supported values: " + supported);
  }

  void CheckNumber(const Schema& schema, const Json& value, const std::string& path) {
    const double number = value.AsDouble();
    if (schema.minimum &&
        (schema.exclusive_minimum ? number <= *schema.minimum : number < *schema.minimum))
      Bad(path, value,
          std::string("should be greater than ") +
              (schema.exclusive_minimum ? "" : "or equal to ") + Number(*schema.minimum));
    if (schema.maximum &&
        (schema.exclusive_maximum ? number >= *schema.maximum : number > *schema.maximum))
      Bad(path, value,
          std::string("should be less than ") + (schema.exclusive_maximum ? "" : "or equal to ") +
              Number(*schema.maximum));
  }

  void CheckString(const Schema& schema, const Json& value, const std::string& path) {
    const auto length = static_cast<int64_t>(CodePoints(value.AsString()));
    if (schema.min_length && length < *schema.min_length)
      Bad(path, value, "should be at least " + std::to_string(*schema.min_length) + " chars long");
    if (schema.max_length && length > *schema.max_length)
      Add("FieldValueTooLong", path,
          "Too long: may not be more than " + std::to_string(*schema.max_length) + " bytes");
    // std::regex recurses. The pattern's own bounds would refuse such a long text anyway.
    if (schema.regex != nullptr && value.AsString().size() < 4096 &&
        !std::regex_search(value.AsString(), *schema.regex))
      Bad(path, value, "should match '" + schema.pattern + "'");
  }

  void CheckArray(const Schema& schema, const Json& value, const std::string& path) {
    const auto size = static_cast<int64_t>(value.size());
    if (schema.min_items && size < *schema.min_items)
      Add("FieldValueInvalid", path,
          "Invalid value: " + std::to_string(size) + ": " + path +
              " in body should have at least " + std::to_string(*schema.min_items) + " items");
    if (schema.max_items && size > *schema.max_items)
      Add("FieldValueTooMany", path,
          "Too many: " + std::to_string(size) + ": must have at most " +
              std::to_string(*schema.max_items) + " items");
    if (schema.items == nullptr) return;
    size_t i = 0;
    for (const Json& item : value.items())
      Check(*schema.items, item, path + "[" + std::to_string(i++) + "]", false);
    if (schema.list_type != Schema::ListType::kAtomic) CheckDuplicates(schema, value, path);
  }

  void CheckDuplicates(const Schema& schema, const Json& value, const std::string& path) {
    const auto key_of = [&](const Json& item) {
      if (schema.list_type == Schema::ListType::kSet) return item;
      Json key = Json::MakeObject();
      for (const std::string& name : schema.list_map_keys) key.Set(name, item[name]);
      return key;
    };
    for (size_t i = 0; i < value.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        const Json key = key_of(value[i]);
        if (key != key_of(value[j])) continue;
        Add("FieldValueDuplicate", path + "[" + std::to_string(i) + "]",
            "Duplicate value: " + key.Dump());
        break;
      }
    }
  }

  void CheckObject(const Schema& schema, const Json& value, const std::string& path, bool root) {
    const auto child_path = [&](const std::string& key) {
      return path.empty() ? key : path + "." + key;
    };
    for (const std::string& name : schema.required)
      if (!value.Has(name)) Add("FieldValueRequired", child_path(name), "Required value");
    for (const auto& [key, child] : value.members()) {
      if (root && (key == "metadata" || key == "apiVersion" || key == "kind")) continue;
      const auto property = schema.properties.find(key);
      if (property != schema.properties.end()) {
        Check(*property->second, child, child_path(key), false);
      } else if (schema.additional != nullptr) {
        Check(*schema.additional, child, child_path(key), false);
      }
    }
  }

  std::vector<Cause> causes_;
};

// Go's %#v and %T, for the messages of structured-merge-diff.
std::string GoValue(const Json& value) {
  if (value.is_string()) return "&value.valueUnstructured{Value:" + value.Dump() + "}";
  return "&value.valueUnstructured{Value:" + value.Dump() + "}";
}

const char* GoType(const Json& value) {
  if (value.is_string()) return "string";
  if (value.is_int()) return "int64";
  if (value.is_double()) return "float64";
  if (value.is_bool()) return "bool";
  if (value.is_array()) return "[]interface {}";
  return "map[string]interface {}";
}

class Typed {
 public:
  void Check(const Schema& schema, const Json& value, const std::string& path, bool root) {
    if (value.is_null()) return;
    switch (schema.type) {
      case Type::kAny:
        if (schema.properties.empty()) return;
        break;
      case Type::kIntOrString:
        return;
      case Type::kString:
        if (!value.is_string() &&
            !(schema.format == Schema::Format::kQuantity && value.is_number()))
          Add(path, "expected string, got " + GoValue(value));
        return;
      case Type::kInteger:
      case Type::kNumber:
        if (!value.is_number())
          Add(path, std::string("expected numeric (int or float), got ") + GoType(value));
        return;
      case Type::kBoolean:
        if (!value.is_bool()) Add(path, std::string("expected boolean, got ") + GoType(value));
        return;
      case Type::kArray:
        if (!value.is_array()) Add(path, "expected list, got " + GoValue(value));
        if (schema.items != nullptr) CheckItems(schema, value, path);
        return;
      case Type::kObject:
        break;
    }
    if (!value.is_object()) {
      Add(path, "expected map, got " + GoValue(value));
      return;
    }
    CheckFields(schema, value, path, root);
  }

  std::vector<std::string> Take() { return std::move(errors_); }

 private:
  void Add(const std::string& path, const std::string& what) {
    errors_.push_back(path + ": " + what);
  }

  void CheckItems(const Schema& schema, const Json& value, const std::string& path) {
    std::set<std::string> seen;
    size_t i = 0;
    for (const Json& item : value.items()) {
      std::string element = "[" + std::to_string(i++) + "]";
      if (schema.list_type == Schema::ListType::kMap && item.is_object()) {
        element.clear();
        const Json own = KeyOf(schema, item);
        if (own.empty()) {
          std::string keys;
          for (const std::string& key : schema.list_map_keys)
            keys += (keys.empty() ? "" : " ") + Json::Quote(key);
          Add(path, "element " + std::to_string(i - 1) +
                        ": associative list with keys has an element that omits all key fields [" +
                        keys + "] (and doesn't have default values for any key fields)");
        }
        for (const std::string& key : schema.list_map_keys) {
          element += (element.empty() ? "" : ",") + key + "=" + own[key].Dump();
        }
        element = "[" + element + "]";
      }
      if (schema.list_type == Schema::ListType::kSet) element = "[=" + item.Dump() + "]";
      if (schema.list_type != Schema::ListType::kAtomic && !seen.insert(element).second)
        Add(path, "duplicate entries for key " + element);
      Check(*schema.items, item, path + element, false);
    }
  }

  void CheckFields(const Schema& schema, const Json& value, const std::string& path, bool root) {
    for (const auto& [key, child] : value.members()) {
      if ((root || schema.embedded_resource) &&
          (key == "metadata" || key == "apiVersion" || key == "kind"))
        continue;
      const auto property = schema.properties.find(key);
      if (property != schema.properties.end()) {
        Check(*property->second, child, path + "." + key, false);
      } else if (schema.additional != nullptr) {
        Check(*schema.additional, child, path + "." + key, false);
      } else if (!schema.preserve_unknown) {
        Add(path + "." + key, "field not declared in schema");
      }
    }
  }

  std::vector<std::string> errors_;
};

}  // namespace

std::vector<Cause> Validate(const Schema& schema, const Json& object) {
  Checker checker;
  checker.Check(schema, object, "", true);
  return checker.Take();
}

std::vector<std::string> TypedErrors(const Schema& schema, const Json& object) {
  Typed typed;
  typed.Check(schema, object, "", true);
  return typed.Take();
}

}  // namespace slipway::sim
