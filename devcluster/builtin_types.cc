#include "devcluster/builtin_types.h"

#include <cstdlib>
#include <set>
#include <sstream>
#include <utility>

namespace slipway::sim {

namespace {

using Format = Schema::Format;
using Type = Schema::Type;

struct Scalar {
  const char* name;
  Type type;
  Format format;
};

constexpr Scalar kScalars[] = {{"string", Type::kString, Format::kPlain},
                               {"bool", Type::kBoolean, Format::kPlain},
                               {"int", Type::kInteger, Format::kPlain},
                               {"number", Type::kNumber, Format::kPlain},
                               {"bytes", Type::kString, Format::kBytes},
                               {"time", Type::kString, Format::kTime},
                               {"microtime", Type::kString, Format::kMicroTime},
                               {"quantity", Type::kString, Format::kQuantity},
                               {"intstr", Type::kIntOrString, Format::kPlain},
                               {"any", Type::kAny, Format::kPlain}};

void SplitKeys(const std::string& text, std::vector<std::string>& out) {
  std::istringstream in(text);
  for (std::string key; std::getline(in, key, ',');) out.push_back(key);
}

class Table {
 public:
  Table() {
    for (const char* const* part = kBuiltinTypes; *part != nullptr; ++part) {
      std::istringstream lines{std::string(*part)};
      for (std::string line; std::getline(lines, line);)
        if (const size_t colon = line.find(": "); colon != std::string::npos)
          AddLine(line.substr(0, colon), line.substr(colon + 2));
    }
    for (const auto& [name, line] : lines_) Struct(name);
  }

  std::shared_ptr<const Schema> Find(std::string_view name) const {
    const auto found = structs_.find(name);
    return found == structs_.end() ? nullptr : found->second;
  }

 private:
  // A head such as "core.v1.ObjectReference atomic" means that the whole object has one owner.
  void AddLine(const std::string& head, const std::string& fields) {
    const std::string name = head.substr(0, head.find(' '));
    lines_.emplace(name, fields);
    if (name != head) atomic_.insert(name);
  }

  std::shared_ptr<const Schema> Struct(const std::string& name) {
    if (const auto found = structs_.find(name); found != structs_.end()) return found->second;
    auto out = std::make_shared<Schema>();
    out->type = Type::kObject;
    out->atomic_map = atomic_.count(name) != 0;
    // Go prints the type in this form: "v1.ObjectMeta".
    out->go_type = name.substr(name.find('.') + 1);
    std::istringstream fields(lines_[name]);
    for (std::string text; std::getline(fields, text, ';');) AddField(text, *out);
    return structs_[name] = std::move(out);
  }

  // Parses a field such as
  // "6* ports []core.v1.ContainerPort map=containerPort,protocol merge=containerPort"
  void AddField(const std::string& text, Schema& out) {
    std::istringstream words(text);
    std::string number, type, word;
    Schema::GoField field;
    if (!(words >> number >> field.name >> type)) return;
    field.pointer = number.find('*') != std::string::npos;
    field.always = number.find('!') != std::string::npos;
    field.omit_zero = number.find('?') != std::string::npos;
    char* end = nullptr;
    field.number = static_cast<uint32_t>(std::strtoul(number.c_str(), &end, 10));
    if (*end == '.') field.inner = static_cast<uint32_t>(std::strtoul(end + 1, nullptr, 10));
    std::shared_ptr<const Schema> shape = Of(type);
    if (words.rdbuf()->in_avail() > 0) {
      auto own = std::make_shared<Schema>(*shape);
      while (words >> word) Refine(word, *own);
      shape = std::move(own);
    }
    if (field.always && !field.pointer) shape = WithZero(std::move(shape));
    out.properties.emplace(field.name, std::move(shape));
    out.go_fields.push_back(std::move(field));
  }

  static void Refine(const std::string& word, Schema& shape) {
    if (word == "atomic") shape.atomic_map = true;
    if (word == "set") shape.list_type = Schema::ListType::kSet;
    if (word.rfind("map=", 0) == 0) {
      shape.list_type = Schema::ListType::kMap;
      SplitKeys(word.substr(4), shape.list_map_keys);
    }
    if (word == "merge") shape.merges = true;
    if (word.rfind("merge=", 0) == 0) {
      shape.merges = true;
      shape.merge_key = word.substr(6);
    }
    if (word.rfind("default=", 0) == 0) {
      auto value = Json::Parse(word.substr(8));
      if (value) shape.fallback = *std::move(value);
    }
  }

  // Go always writes these fields, so it writes a zero when none was sent.
  static std::shared_ptr<const Schema> WithZero(std::shared_ptr<const Schema> shape) {
    const bool text = shape->type == Type::kString && shape->format == Format::kPlain;
    if (!shape->fallback.is_null() || (!text && shape->type != Type::kInteger)) return shape;
    auto own = std::make_shared<Schema>(*shape);
    own->fallback = text ? Json("") : Json(0);
    return own;
  }

  std::shared_ptr<const Schema> Of(const std::string& type) {
    if (type.rfind("[]", 0) != 0 && type.rfind("{}", 0) != 0) {
      for (const Scalar& scalar : kScalars) {
        if (type != scalar.name) continue;
        auto out = std::make_shared<Schema>();
        out->type = scalar.type;
        out->format = scalar.format;
        out->preserve_unknown = scalar.type == Type::kAny;
        return out;
      }
      return Struct(type);
    }
    auto out = std::make_shared<Schema>();
    const bool list = type[0] == '[';
    out->type = list ? Type::kArray : Type::kObject;
    (list ? out->items : out->additional) = Of(type.substr(2));
    return out;
  }

  std::map<std::string, std::string> lines_;
  std::set<std::string> atomic_;
  std::map<std::string, std::shared_ptr<const Schema>, std::less<>> structs_;
};

}  // namespace

std::shared_ptr<const Schema> BuiltinType(std::string_view name) {
  static const Table kTable;
  return kTable.Find(name);
}

std::shared_ptr<const Schema> BuiltinSchema(std::string_view api_version, std::string_view kind) {
  if (kind == "DeleteOptions") return BuiltinType("meta.v1.DeleteOptions");
  const size_t slash = api_version.find('/');
  const bool core = slash == std::string_view::npos;
  std::string name(core ? "core" : api_version.substr(0, std::min(slash, api_version.find('.'))));
  name.append(".").append(core ? api_version : api_version.substr(slash + 1));
  return BuiltinType(name.append(".").append(kind));
}

}  // namespace slipway::sim
