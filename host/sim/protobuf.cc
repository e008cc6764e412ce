#include "sim/protobuf.h"

#include <optional>

#include "base/clock.h"
#include "base/crypto.h"

namespace slipway::sim {

namespace {

constexpr int kMaxDepth = 16;

enum class Type { kText, kBytes, kInt, kBool, kMessage, kTextMap, kBytesMap, kTime, kIntOrString };

struct Field {
  uint32_t number;
  const char* name;
  Type type;
  bool repeated = false;
  const struct Message* message = nullptr;
};

struct Message {
  const Field* fields;
  size_t count;
};

template <size_t N>
constexpr Message Of(const Field (&fields)[N]) {
  return {fields, N};
}

constexpr Field kOwnerFields[] = {
    {1, "kind", Type::kText},       {3, "name", Type::kText},
    {4, "uid", Type::kText},        {5, "apiVersion", Type::kText},
    {6, "controller", Type::kBool}, {7, "blockOwnerDeletion", Type::kBool}};
constexpr Message kOwner = Of(kOwnerFields);
constexpr Field kMetadataFields[] = {{1, "name", Type::kText},
                                     {2, "generateName", Type::kText},
                                     {3, "namespace", Type::kText},
                                     {5, "uid", Type::kText},
                                     {6, "resourceVersion", Type::kText},
                                     {8, "creationTimestamp", Type::kTime},
                                     {11, "labels", Type::kTextMap},
                                     {12, "annotations", Type::kTextMap},
                                     {13, "ownerReferences", Type::kMessage, true, &kOwner},
                                     {14, "finalizers", Type::kText, true}};
constexpr Message kMetadata = Of(kMetadataFields);
constexpr Field kNamespaceSpecFields[] = {{1, "finalizers", Type::kText, true}};
constexpr Message kNamespaceSpec = Of(kNamespaceSpecFields);
constexpr Field kNamespaceFields[] = {{1, "metadata", Type::kMessage, false, &kMetadata},
                                      {2, "spec", Type::kMessage, false, &kNamespaceSpec}};
constexpr Message kNamespace = Of(kNamespaceFields);
constexpr Field kSecretFields[] = {{1, "metadata", Type::kMessage, false, &kMetadata},
                                   {2, "data", Type::kBytesMap},
                                   {3, "type", Type::kText},
                                   {4, "stringData", Type::kTextMap},
                                   {5, "immutable", Type::kBool}};
constexpr Message kSecret = Of(kSecretFields);
constexpr Field kConfigMapFields[] = {{1, "metadata", Type::kMessage, false, &kMetadata},
                                      {2, "data", Type::kTextMap},
                                      {3, "binaryData", Type::kBytesMap},
                                      {4, "immutable", Type::kBool}};
constexpr Message kConfigMap = Of(kConfigMapFields);
constexpr Field kAccountFields[] = {{1, "metadata", Type::kMessage, false, &kMetadata},
                                    {4, "automountServiceAccountToken", Type::kBool}};
constexpr Message kAccount = Of(kAccountFields);
constexpr Field kPortFields[] = {{1, "name", Type::kText},
                                 {2, "protocol", Type::kText},
                                 {3, "port", Type::kInt},
                                 {4, "targetPort", Type::kIntOrString},
                                 {5, "nodePort", Type::kInt}};
constexpr Message kPort = Of(kPortFields);
constexpr Field kServiceSpecFields[] = {{1, "ports", Type::kMessage, true, &kPort},
                                        {2, "selector", Type::kTextMap},
                                        {3, "clusterIP", Type::kText},
                                        {4, "type", Type::kText},
                                        {10, "externalName", Type::kText}};
constexpr Message kServiceSpec = Of(kServiceSpecFields);
constexpr Field kServiceFields[] = {{1, "metadata", Type::kMessage, false, &kMetadata},
                                    {2, "spec", Type::kMessage, false, &kServiceSpec}};
constexpr Message kService = Of(kServiceFields);
constexpr Field kPreconditionFields[] = {{1, "uid", Type::kText},
                                         {2, "resourceVersion", Type::kText}};
constexpr Message kPreconditions = Of(kPreconditionFields);
constexpr Field kDeleteFields[] = {{1, "gracePeriodSeconds", Type::kInt},
                                   {2, "preconditions", Type::kMessage, false, &kPreconditions},
                                   {4, "propagationPolicy", Type::kText},
                                   {5, "dryRun", Type::kText, true}};
constexpr Message kDelete = Of(kDeleteFields);

constexpr Message kNothing{nullptr, 0};

constexpr std::pair<std::string_view, const Message*> kKinds[] = {
    {"Namespace", &kNamespace},
    {"Secret", &kSecret},
    {"ConfigMap", &kConfigMap},
    {"ServiceAccount", &kAccount},
    {"Service", &kService},
    {"DeleteOptions", &kDelete},
    {"SelfSubjectAccessReview", &kNothing}};

// The wire format. Every read fails by leaving `ok` false.
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
    case 1:
      in.Take(8);
      break;
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

bool ReadMessage(std::string_view bytes, const Message& message, Json& out, int depth);

bool ReadEntry(std::string_view bytes, bool binary, Json& map) {
  Reader in{bytes};
  std::string key, value;
  while (!in.rest.empty()) {
    const auto field = Next(in);
    if (!field) return false;
    (field->number == 1 ? key : value) = std::string(field->bytes);
  }
  map.Set(key, binary ? Base64Encode(value) : value);
  return true;
}

Json ReadNumbers(std::string_view bytes, Type type) {
  Reader in{bytes};
  uint64_t kind = 0, number = 0;
  std::string text;
  while (!in.rest.empty()) {
    const auto field = Next(in);
    if (!field) return {};
    if (field->number == 1) (type == Type::kTime ? number : kind) = field->integer;
    if (field->number == 2 && type == Type::kIntOrString) number = field->integer;
    if (field->number == 3) text = std::string(field->bytes);
  }
  if (type == Type::kTime)
    return bytes.empty() ? Json() : Json(FormatSeconds(static_cast<int64_t>(number) * 1000));
  return kind == 1 ? Json(text) : Json(static_cast<int64_t>(number));
}

bool ReadField(const Value& value, const Field& field, Json& out, int depth) {
  Json one;
  switch (field.type) {
    case Type::kText:
      one = std::string(value.bytes);
      break;
    case Type::kBytes:
      one = Base64Encode(value.bytes);
      break;
    case Type::kInt:
      one = static_cast<int64_t>(value.integer);
      break;
    case Type::kBool:
      one = value.integer != 0;
      break;
    case Type::kTextMap:
    case Type::kBytesMap:
      return ReadEntry(value.bytes, field.type == Type::kBytesMap, out[field.name]);
    case Type::kTime:
    case Type::kIntOrString:
      one = ReadNumbers(value.bytes, field.type);
      break;
    case Type::kMessage:
      one = Json::MakeObject();
      if (!ReadMessage(value.bytes, *field.message, one, depth + 1)) return false;
  }
  if (field.repeated) {
    out[field.name].Push(std::move(one));
  } else if (!(one.is_null() || (one.is_string() && one.AsString().empty()) ||
               (one.is_int() && one.AsInt() == 0))) {
    out.Set(field.name, std::move(one));
  }
  return true;
}

bool ReadMessage(std::string_view bytes, const Message& message, Json& out, int depth) {
  if (depth > kMaxDepth) return false;
  Reader in{bytes};
  while (!in.rest.empty()) {
    const auto value = Next(in);
    if (!value) return false;
    for (size_t i = 0; i < message.count; ++i)
      if (message.fields[i].number == value->number &&
          !ReadField(*value, message.fields[i], out, depth))
        return false;
  }
  return true;
}

constexpr Field kTypeMetaFields[] = {{1, "apiVersion", Type::kText}, {2, "kind", Type::kText}};
constexpr Message kTypeMeta = Of(kTypeMetaFields);

}  // namespace

Answer<Json> ReadProtobuf(std::string_view body) {
  const Failure bad = BadRequest("the body is not Kubernetes protobuf");
  if (body.substr(0, 4) != std::string_view("k8s\0", 4)) return bad;
  Reader in{body.substr(4)};
  Json out = Json::MakeObject();
  std::string_view raw;
  while (!in.rest.empty()) {
    const auto value = Next(in);
    if (!value) return bad;
    if (value->number == 1 && !ReadMessage(value->bytes, kTypeMeta, out, 0)) return bad;
    if (value->number == 2) raw = value->bytes;
  }
  const std::string kind = std::as_const(out)["kind"].AsString();
  for (const auto& [name, message] : kKinds) {
    if (name != kind) continue;
    if (!ReadMessage(raw, *message, out, 0)) return bad;
    return out;
  }
  return UnsupportedMediaType("application/json, application/yaml");
}

}  // namespace slipway::sim
