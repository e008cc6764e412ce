#include "devcluster/protobuf.h"

#include <bit>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/crypto.h"
#include "devcluster/builtin_types.h"

namespace slipway::sim {

namespace {

using Format = Schema::Format;
using Type = Schema::Type;

constexpr int kMaxDepth = 32;

// Reads the wire format. A read that fails sets `ok` to false.
struct Reader {
  std::string_view rest;
  bool ok = true;

  uint64_t Varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest.front());
      rest.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    ok = false;
    return 0;
  }

  std::string_view Take(uint64_t size) {
    if (size > rest.size()) {
      ok = false;
      return {};
    }
    const std::string_view out = rest.substr(0, static_cast<size_t>(size));
    rest.remove_prefix(static_cast<size_t>(size));
    return out;
  }
};

struct Value {
  uint32_t number = 0;
  uint64_t integer = 0;
  std::string_view bytes;
};

std::optional<Value> Next(Reader& in) {
  const uint64_t tag = in.Varint();
  Value out{static_cast<uint32_t>(tag >> 3), 0, {}};
  switch (tag & 7) {
    case 0:
      out.integer = in.Varint();
      break;
    case 1: {
      const std::string_view raw = in.Take(8);
      for (size_t i = raw.size(); i > 0; --i)
        out.integer = out.integer << 8 | static_cast<unsigned char>(raw[i - 1]);
      break;
    }
    case 2:
      out.bytes = in.Take(in.Varint());
      break;
    case 5:
      in.Take(4);
      break;
    default:
      in.ok = false;
  }
  return in.ok ? std::optional<Value>(out) : std::nullopt;
}

bool ReadMessage(std::string_view bytes, const Schema& schema, uint32_t outer, Json& out,
                 int depth);

// Small messages that are scalars in JSON. The index is the field's number.
struct Parts {
  uint64_t numbers[4] = {};
  std::string_view texts[4];
};

bool ReadParts(std::string_view bytes, Parts& out) {
  Reader in{bytes};
  while (!in.rest.empty()) {
    const auto field = Next(in);
    if (!field) return false;
    if (field->number >= std::size(out.numbers)) continue;
    out.numbers[field->number] = field->integer;
    out.texts[field->number] = field->bytes;
  }
  return true;
}

bool ReadText(const Value& value, Format format, Json& out) {
  Parts parts;
  switch (format) {
    case Format::kPlain:
      out = value.bytes;
      return true;
    case Format::kBytes:
      out = Base64Encode(value.bytes);
      return true;
    case Format::kTime:
    case Format::kMicroTime: {
      if (value.bytes.empty()) return true;
      if (!ReadParts(value.bytes, parts)) return false;
      std::string text = FormatSeconds(static_cast<int64_t>(parts.numbers[1]) * 1000);
      const std::string micros = std::to_string(1'000'000 + parts.numbers[2] / 1000);
      if (format == Format::kMicroTime) text.insert(text.size() - 1, "." + micros.substr(1));
      out = std::move(text);
      return true;
    }
    case Format::kQuantity:
      if (!ReadParts(value.bytes, parts)) return false;
      out = parts.texts[1];
      return true;
  }
  return false;
}

bool ReadEntry(std::string_view bytes, const Schema& values, Json& map, int depth);

bool ReadValue(const Value& value, const Schema& schema, Json& out, int depth) {
  Parts parts;
  switch (schema.type) {
    case Type::kString:
      return ReadText(value, schema.format, out);
    case Type::kInteger:
      out = static_cast<int64_t>(value.integer);
      return true;
    case Type::kNumber:
      out = std::bit_cast<double>(value.integer);
      return true;
    case Type::kBoolean:
      out = value.integer != 0;
      return true;
    case Type::kIntOrString:
      if (!ReadParts(value.bytes, parts)) return false;
      out = parts.numbers[1] == 1
                ? Json(parts.texts[3])
                : Json(static_cast<int64_t>(static_cast<int32_t>(parts.numbers[2])));
      return true;
    case Type::kAny: {
      if (!ReadParts(value.bytes, parts)) return false;
      auto raw = Json::Parse(parts.texts[1]);
      if (!raw) return false;
      out = *std::move(raw);
      return true;
    }
    case Type::kArray: {
      Json item;
      if (!ReadValue(value, *schema.items, item, depth)) return false;
      out.items();
      out.Push(std::move(item));
      return true;
    }
    case Type::kObject:
      break;
  }
  out.members();
  if (schema.additional != nullptr)
    return ReadEntry(value.bytes, *schema.additional, out, depth + 1);
  return ReadMessage(value.bytes, schema, 0, out, depth + 1);
}

bool ReadEntry(std::string_view bytes, const Schema& values, Json& map, int depth) {
  Reader in{bytes};
  std::string key;
  Json value = values.type == Type::kString ? Json("") : Json();
  while (!in.rest.empty()) {
    const auto field = Next(in);
    if (!field) return false;
    if (field->number == 1) {
      key = std::string(field->bytes);
    } else if (!ReadValue(*field, values, value, depth)) {
      return false;
    }
  }
  map.Set(key, std::move(value));
  return true;
}

// Reads the fields of a message. With `outer`, it reads the struct that is inlined as that field.
bool ReadMessage(std::string_view bytes, const Schema& schema, uint32_t outer, Json& out,
                 int depth) {
  if (depth > kMaxDepth) return false;
  Reader in{bytes};
  while (!in.rest.empty()) {
    const auto value = Next(in);
    if (!value) return false;
    bool inlined = false;
    for (const Schema::GoField& field : schema.go_fields) {
      if (outer == 0 && field.inner != 0) {
        inlined = inlined || field.number == value->number;
      } else if ((outer == 0              ? field.number
                  : field.number == outer ? field.inner
                                          : 0) == value->number) {
        const Schema& type = *schema.properties.find(field.name)->second;
        if (!ReadValue(*value, type, out[field.name], depth)) return false;
      }
    }
    if (inlined && !ReadMessage(value->bytes, schema, value->number, out, depth + 1)) return false;
  }
  return true;
}

}  // namespace

Answer<Json> ReadProtobuf(std::string_view body) {
  const Failure bad = BadRequest("the body is not Kubernetes protobuf");
  if (body.substr(0, 4) != std::string_view("k8s\0", 4)) return bad;
  Reader in{body.substr(4)};
  std::string_view raw;
  Parts type;
  while (!in.rest.empty()) {
    const auto value = Next(in);
    if (!value || (value->number == 1 && !ReadParts(value->bytes, type))) return bad;
    if (value->number == 2) raw = value->bytes;
  }
  Json out = Json::Obj({{"apiVersion", type.texts[1]}, {"kind", type.texts[2]}});
  const auto schema = BuiltinSchema(type.texts[1], type.texts[2]);
  if (schema == nullptr) return UnsupportedMediaType("application/json, application/yaml");
  if (!ReadMessage(raw, *schema, 0, out, 0)) return bad;
  return out;
}

}  // namespace slipway::sim
