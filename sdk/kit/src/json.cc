#include <slipway/kit/json.h>

// Private to the kit: whoever links it may carry a RapidJSON of its own.
#define RAPIDJSON_NAMESPACE slipway_kit_rapidjson
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <slipway/engine.hpp>

namespace slipway::kit {

namespace {

namespace rj = RAPIDJSON_NAMESPACE;
constexpr size_t kMaxDepth = 64;

// Builds the value from the reader's events; false stops the reader.
struct Builder {
  std::vector<Json> open;
  std::vector<std::string> names;
  Json root;

  bool Put(Json value) {
    if (open.empty()) {
      root = std::move(value);
    } else if (open.back().IsArray()) {
      open.back().Push(std::move(value));
    } else {
      open.back().Set(names.back(), std::move(value));
      names.pop_back();
    }
    return true;
  }

  bool Open(Json value) {
    if (open.size() >= kMaxDepth) return false;
    open.push_back(std::move(value));
    return true;
  }

  bool Close() {
    Json done = std::move(open.back());
    open.pop_back();
    return Put(std::move(done));
  }

  bool Null() { return Put(Json()); }

  bool Bool(bool b) { return Put(Json(b)); }

  bool Int(int i) { return Put(Json(i)); }

  bool Uint(unsigned u) { return Put(Json(static_cast<int64_t>(u))); }

  bool Int64(int64_t i) { return Put(Json(i)); }

  bool Uint64(uint64_t u) {
    return u <= INT64_MAX ? Put(Json(static_cast<int64_t>(u))) : Put(Json(static_cast<double>(u)));
  }

  bool Double(double d) { return Put(Json(d)); }

  bool RawNumber(const char*, rj::SizeType, bool) { return false; }

  bool String(const char* s, rj::SizeType n, bool) { return Put(Json(std::string(s, n))); }

  bool StartObject() { return Open(Json::Obj()); }

  bool Key(const char* s, rj::SizeType n, bool) {
    names.emplace_back(s, n);
    return true;
  }

  bool EndObject(rj::SizeType) { return Close(); }

  bool StartArray() { return Open(Json::Arr()); }

  bool EndArray(rj::SizeType) { return Close(); }
};

}  // namespace

Json Json::Obj(std::initializer_list<Field> fields) {
  Json out;
  out.type_ = Type::kObject;
  for (const auto& [key, value] : fields) out.Set(key, value);
  return out;
}

Json Json::Arr(std::initializer_list<Json> items) {
  Json out;
  out.type_ = Type::kArray;
  out.items_ = items;
  return out;
}

Json Json::Parse(std::string_view text) {
  rj::MemoryStream bytes(text.data(), text.size());
  rj::EncodedInputStream<rj::UTF8<>, rj::MemoryStream> stream(bytes);
  rj::Reader reader;
  Builder builder;
  const auto result =
      reader.Parse<rj::kParseIterativeFlag | rj::kParseValidateEncodingFlag>(stream, builder);
  if (result.IsError()) {
    throw slipway::Error(
        SLIPWAY_INVALID, "MalformedJson",
        std::string("not a JSON document: ") +
            (result.Code() == rj::kParseErrorTermination ? "nested too deeply"
                                                         : rj::GetParseError_En(result.Code())) +
            " (offset " + std::to_string(result.Offset()) + ")");
  }
  return std::move(builder.root);
}

template <class Writer>
void Json::Write(Writer& writer) const {
  switch (type_) {
    case Type::kNull:
      writer.Null();
      return;
    case Type::kBool:
      writer.Bool(int_ != 0);
      return;
    case Type::kInt:
      writer.Int64(int_);
      return;
    case Type::kReal:
      writer.Double(real_);
      return;
    case Type::kString:
      writer.String(text_.data(), static_cast<rj::SizeType>(text_.size()));
      return;
    case Type::kArray:
      writer.StartArray();
      for (const Json& item : items_) item.Write(writer);
      writer.EndArray();
      return;
    case Type::kObject:
      writer.StartObject();
      for (size_t i = 0; i < keys_.size(); ++i) {
        writer.Key(keys_[i].data(), static_cast<rj::SizeType>(keys_[i].size()));
        items_[i].Write(writer);
      }
      writer.EndObject();
      return;
  }
}

std::string Json::Dump() const {
  rj::StringBuffer buffer;
  rj::Writer<rj::StringBuffer> writer(buffer);
  Write(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

const Json& Json::operator[](std::string_view key) const {
  static const Json kNothing;
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i] == key) return items_[i];
  }
  return kNothing;
}

const Json& Json::At(std::string_view path) const {
  const Json* at = this;
  while (true) {
    const size_t slash = path.find('/');
    at = &(*at)[path.substr(0, slash)];
    if (slash == std::string_view::npos) return *at;
    path.remove_prefix(slash + 1);
  }
}

bool Json::Has(std::string_view key) const {
  for (const std::string& k : keys_) {
    if (k == key) return true;
  }
  return false;
}

Json& Json::Set(std::string_view key, Json value) {
  if (IsNull()) type_ = Type::kObject;
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i] == key) {
      items_[i] = std::move(value);
      return *this;
    }
  }
  keys_.emplace_back(key);
  items_.push_back(std::move(value));
  return *this;
}

Json& Json::Push(Json value) {
  if (IsNull()) type_ = Type::kArray;
  items_.push_back(std::move(value));
  return *this;
}

Json& Json::Append(const Json& array) {
  for (const Json& item : array.items_) Push(item);
  return *this;
}

bool Json::operator==(const Json& other) const {
  if (type_ != other.type_) return false;
  if (!IsObject()) {
    return int_ == other.int_ && !(real_ < other.real_) && !(other.real_ < real_) &&
           text_ == other.text_ && items_ == other.items_;
  }
  if (keys_.size() != other.keys_.size()) return false;
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (!other.Has(keys_[i]) || !(items_[i] == other[keys_[i]])) return false;
  }
  return true;
}

}  // namespace slipway::kit
