#include "devcluster/go_decode.h"

#include <utility>

#include "base/clock.h"
#include "base/crypto.h"
#include "devcluster/quantity.h"

namespace slipway::sim {

namespace {

using Format = Schema::Format;
using Type = Schema::Type;

// The place of a value, for messages.
struct Place {
  std::string shown;   // "spec.containers[0].image", for unknown fields
  std::string path;    // "spec.containers.image", for Go's errors
  std::string holder;  // "Container", the struct that has the field
};

std::string GoKind(const Json& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "array";
  if (value.is_bool()) return "bool";
  return value.is_string() ? "string" : "number";
}

std::string GoType(const Schema& schema) {
  switch (schema.type) {
    case Type::kObject:
      if (!schema.go_type.empty()) return schema.go_type;
      return "map[string]" + (schema.additional != nullptr ? GoType(*schema.additional) : "any");
    case Type::kArray:
      return "[]" + (schema.items != nullptr ? GoType(*schema.items) : "any");
    case Type::kInteger:
      return "int64";
    case Type::kNumber:
      return "float64";
    case Type::kBoolean:
      return "bool";
    case Type::kString:
      return schema.format == Format::kBytes ? "[]uint8" : "string";
    case Type::kAny:
    case Type::kIntOrString:
      break;
  }
  return "interface {}";
}

bool IsStruct(const Schema& schema) {
  return schema.type == Type::kObject && schema.additional == nullptr;
}

bool IsZero(const Json& value) {
  return value.is_null() || (value.is_string() && value.AsString().empty()) ||
         (value.is_number() && value.AsDouble() == 0) || (value.is_bool() && !value.AsBool()) ||
         ((value.is_array() || value.is_object()) && value.empty());
}

Json Zero(const Schema& schema) {
  switch (schema.type) {
    case Type::kString:
      if (schema.format == Format::kQuantity) return "0";
      return schema.format == Format::kPlain ? Json("") : Json();
    case Type::kInteger:
    case Type::kNumber:
    case Type::kIntOrString:
      return 0;
    case Type::kBoolean:
      return false;
    case Type::kObject:
    case Type::kArray:
    case Type::kAny:
      break;
  }
  return {};
}

class Decoder {
 public:
  void Value(const Schema& schema, Json& value, const Place& place) {
    if (!out_.error.empty() || value.is_null()) return;
    switch (schema.type) {
      case Type::kObject:
        if (!value.is_object()) return Mismatch(schema, value, place);
        return IsStruct(schema) ? Struct(schema, value, place) : Map(schema, value, place);
      case Type::kArray: {
        if (!value.is_array()) return Mismatch(schema, value, place);
        size_t i = 0;
        for (Json& item : value.items()) {
          Place inner = place;
          inner.shown += "[" + std::to_string(i++) + "]";
          if (item.is_null())
            item = IsStruct(*schema.items) ? Json::MakeObject() : Zero(*schema.items);
          Value(*schema.items, item, inner);
        }
        return;
      }
      case Type::kString:
        return Text(schema, value, place);
      case Type::kInteger:
        if (!value.is_int()) Mismatch(schema, value, place);
        return;
      case Type::kNumber:
        if (!value.is_number()) Mismatch(schema, value, place);
        return;
      case Type::kBoolean:
        if (!value.is_bool()) Mismatch(schema, value, place);
        return;
      case Type::kIntOrString:
        if (!value.is_int() && !value.is_string()) Mismatch(schema, value, place);
        return;
      case Type::kAny:
        return;
    }
  }

  Decoded Take() { return std::move(out_); }

 private:
  void Fail(std::string why) {
    if (out_.error.empty()) out_.error = std::move(why);
  }

  void Mismatch(const Schema& schema, const Json& value, const Place& place) {
    Fail("json: cannot unmarshal " + GoKind(value) + " into Go struct field " + place.holder + "." +
         place.path + " of type " + GoType(schema));
  }

  void Text(const Schema& schema, Json& value, const Place& place) {
    if (schema.format == Format::kQuantity) {
      const auto parsed = Quantity::Parse(value.is_number() ? value.Dump() : value.AsString());
      if (!parsed || value.is_object() || value.is_array() || value.is_bool())
        return Fail(
            "quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
      value = parsed->Text();
      return;
    }
    if (!value.is_string()) return Mismatch(schema, value, place);
    const std::string& text = value.AsString();
    if (schema.format == Format::kBytes && !Base64Decode(text))
      return Fail("illegal base64 data at input byte 0");
    if ((schema.format == Format::kTime || schema.format == Format::kMicroTime) &&
        ParseTime(text) < 0)
      return Fail("parsing time " + Json::Quote(text) +
                  " as \"2006-01-02T15:04:05Z07:00\": cannot parse " + Json::Quote(text) +
                  " as \"2006\"");
  }

  void Map(const Schema& schema, Json& value, const Place& place) {
    for (auto& [key, child] : value.members()) {
      Place inner = place;
      inner.shown += "." + key;
      Value(*schema.additional, child, inner);
      if (child.is_null()) child = Zero(*schema.additional);
    }
  }

  void Struct(const Schema& schema, Json& value, const Place& place) {
    std::erase_if(value.members(), [&](const Json::Member& member) {
      if (schema.properties.count(member.first) != 0) return false;
      out_.unknown.push_back(place.shown.empty() ? member.first : place.shown + "." + member.first);
      return true;
    });
    for (const Schema::GoField& field : schema.go_fields) {
      const Schema& shape = *schema.properties.find(field.name)->second;
      Json* child = value.Find(field.name);
      if (child == nullptr) {
        if (field.pointer && !field.always) continue;
        child = &value[field.name];
      }
      const bool value_struct = IsStruct(shape) && !field.pointer;
      if (child->is_null() && value_struct) *child = Json::MakeObject();
      Place inner{place.shown.empty() ? field.name : place.shown + "." + field.name,
                  place.path.empty() ? field.name : place.path + "." + field.name,
                  schema.go_type.substr(schema.go_type.find('.') + 1)};
      Value(shape, *child, inner);
      if (child->is_null() && field.always && !field.pointer) *child = Zero(shape);
      if (Leaves(shape, field, *child)) value.Erase(field.name);
    }
  }

  // True when Go leaves the field out as it writes the struct.
  static bool Leaves(const Schema& shape, const Schema::GoField& field, const Json& value) {
    if (field.always) return false;
    if (field.pointer) return value.is_null();
    if (field.omit_zero) return IsZero(value);
    if (IsStruct(shape)) return false;
    const bool time = shape.format == Format::kTime || shape.format == Format::kMicroTime;
    return !time && shape.type != Type::kIntOrString ? IsZero(value) : !time && value.is_null();
  }

  Decoded out_;
};

}  // namespace

Decoded DecodeAsGo(const Schema& schema, Json& object) {
  Decoder decoder;
  decoder.Value(schema, object, {"", "", schema.go_type});
  return decoder.Take();
}

}  // namespace slipway::sim
