#include "base/json.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <unordered_set>

#define RAPIDJSON_HAS_STDSTRING 1
#define RAPIDJSON_ASSERT(x) \
  if (!(x)) throw std::logic_error("rapidjson: " #x)
#include <rapidjson/encodedstream.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>

namespace slipway {
namespace {

const Json kNull;
const Json::Array kNoItems;
const Json::Object kNoMembers;
const std::string kNoString;

// Builds a tree from SAX events; refuses depth and duplicate keys while it goes, so that hostile
// text never costs more than its own size.
class Builder {
 public:
  explicit Builder(size_t depth) : max_depth_(depth) {}

  bool Null() { return Add(Json()); }

  bool Bool(bool v) { return Add(Json(v)); }

  bool Int(int v) { return Add(Json(v)); }

  bool Uint(unsigned v) { return Add(Json(static_cast<int64_t>(v))); }

  bool Int64(int64_t v) { return Add(Json(v)); }

  bool Uint64(uint64_t v) {
    if (v > static_cast<uint64_t>(INT64_MAX)) return Add(Json(static_cast<double>(v)));
    return Add(Json(static_cast<int64_t>(v)));
  }

  bool Double(double v) { return Add(Json(v)); }

  bool RawNumber(const char*, rapidjson::SizeType, bool) { return false; }

  bool String(const char* s, rapidjson::SizeType n, bool) { return Add(Json(std::string(s, n))); }

  bool StartObject() { return Open(Json::MakeObject()); }

  bool Key(const char* s, rapidjson::SizeType n, bool) {
    Level& level = stack_.back();
    level.key.assign(s, n);
    if (IsKnown(level)) {
      problem_ = "duplicate key " + Json::Quote(level.key);
      return false;
    }
    return true;
  }

  bool EndObject(rapidjson::SizeType) { return Close(); }

  bool StartArray() { return Open(Json::MakeArray()); }

  bool EndArray(rapidjson::SizeType) { return Close(); }

  Json Take() { return std::move(root_); }

  const std::string& problem() const { return problem_; }

 private:
  struct Level {
    Json container;
    std::string key;                            // of the member being read
    std::unordered_set<std::string_view> seen;  // filled from kManyKeys on; views into container
  };

  static constexpr size_t kManyKeys = 24;  // below it a look through the members is quicker

  // In an object with many members a look through all of them a key would be quadratic.
  static bool IsKnown(Level& level) {
    const Json::Object& members = level.container.members();
    if (members.size() < kManyKeys) return level.container.Has(level.key);
    if (level.seen.empty()) {
      for (const auto& [key, value] : members) level.seen.insert(key);
    }
    return level.seen.count(level.key) > 0;
  }

  bool Open(Json container) {
    if (stack_.size() >= max_depth_) {
      problem_ = "nested deeper than " + std::to_string(max_depth_);
      return false;
    }
    stack_.push_back({std::move(container), {}, {}});
    return true;
  }

  bool Close() {
    Json done = std::move(stack_.back().container);
    stack_.pop_back();
    return Add(std::move(done));
  }

  bool Add(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return true;
    }
    Level& level = stack_.back();
    if (level.container.is_array()) {
      level.container.items().push_back(std::move(value));
    } else {
      Json::Object& members = level.container.members();
      members.emplace_back(std::move(level.key), std::move(value));
      if (!level.seen.empty()) level.seen.insert(members.back().first);
    }
    return true;
  }

  size_t max_depth_;
  std::vector<Level> stack_;
  std::string problem_;
  Json root_;
};

template <class Writer>
void Write(const Json& v, Writer& w) {
  if (v.is_null()) {
    w.Null();
  } else if (v.is_bool()) {
    w.Bool(v.AsBool());
  } else if (v.is_int()) {
    w.Int64(v.AsInt());
  } else if (v.is_double()) {
    const double d = v.AsDouble();
    if (std::isfinite(d)) {
      w.Double(d);
    } else {
      w.Null();
    }
  } else if (v.is_string()) {
    const std::string& s = v.AsString();
    w.String(s.data(), static_cast<rapidjson::SizeType>(s.size()));
  } else if (v.is_array()) {
    w.StartArray();
    for (const Json& item : v.items()) Write(item, w);
    w.EndArray();
  } else {
    w.StartObject();
    for (const auto& [key, value] : v.members()) {
      w.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
      Write(value, w);
    }
    w.EndObject();
  }
}

// Splits off the next pointer token, unescaped.
std::string NextToken(std::string_view& pointer) {
  pointer.remove_prefix(1);
  const size_t end = std::min(pointer.find('/'), pointer.size());
  std::string token;
  for (size_t i = 0; i < end; ++i) {
    if (pointer[i] == '~' && i + 1 < end) {
      token += pointer[++i] == '1' ? '/' : '~';
    } else {
      token += pointer[i];
    }
  }
  pointer.remove_prefix(end);
  return token;
}

bool ToIndex(std::string_view token, size_t& index) {
  if (token.empty() || (token.size() > 1 && token[0] == '0')) return false;
  const auto [end, ec] = std::from_chars(token.data(), token.data() + token.size(), index);
  return ec == std::errc() && end == token.data() + token.size();
}

}  // namespace

const char* CodeName(Code code) {
  switch (code) {
    case Code::kInvalid:
      return "Invalid";
    case Code::kUnauthenticated:
      return "Unauthenticated";
    case Code::kForbidden:
      return "Forbidden";
    case Code::kNotFound:
      return "NotFound";
    case Code::kConflict:
      return "Conflict";
    case Code::kAlreadyExists:
      return "AlreadyExists";
    case Code::kGone:
      return "Gone";
    case Code::kPrecondition:
      return "Precondition";
    case Code::kUnsupported:
      return "Unsupported";
    case Code::kNotImplemented:
      return "NotImplemented";
    case Code::kExhausted:
      return "Exhausted";
    case Code::kUnavailable:
      return "Unavailable";
    case Code::kDeadline:
      return "Deadline";
    case Code::kCancelled:
      return "Cancelled";
    case Code::kInternal:
      return "Internal";
  }
  return "Internal";
}

Result<Json> Json::Parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.bytes) {
    return Error{Code::kExhausted, "JsonTooLarge",
                 "document of " + std::to_string(text.size()) + " bytes, limit " +
                     std::to_string(limits.bytes)};
  }
  Builder builder(limits.depth);
  rapidjson::MemoryStream memory(text.data(), text.size());
  rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> in(memory);
  rapidjson::Reader reader;
  try {
    const auto result =
        reader.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(
            in, builder);
    if (result.IsError()) {
      std::string why = builder.problem().empty() ? rapidjson::GetParseError_En(result.Code())
                                                  : builder.problem();
      return Error{Code::kInvalid, "BadJson",
                   why + " (at byte " + std::to_string(result.Offset()) + ")"};
    }
  } catch (const std::exception& e) {
    return Error{Code::kInvalid, "BadJson", e.what()};
  }
  return builder.Take();
}

void Json::DumpTo(std::string& out) const {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  Write(*this, writer);
  out.append(buffer.GetString(), buffer.GetSize());
}

std::string Json::Dump() const {
  std::string out;
  DumpTo(out);
  return out;
}

std::string Json::Pretty() const {
  rapidjson::StringBuffer buffer;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
  writer.SetIndent(' ', 2);
  Write(*this, writer);
  return {buffer.GetString(), buffer.GetSize()};
}

const char* Json::type_name() const {
  static constexpr const char* kNames[] = {"null",   "boolean", "integer", "number",
                                           "string", "array",   "object"};
  return kNames[v_.index()];
}

bool Json::AsBool(bool fallback) const {
  const auto* v = std::get_if<bool>(&v_);
  return v != nullptr ? *v : fallback;
}

int64_t Json::AsInt(int64_t fallback) const {
  if (const auto* v = std::get_if<int64_t>(&v_)) return *v;
  if (const auto* d = std::get_if<double>(&v_)) {
    if (std::trunc(*d) == *d && std::abs(*d) < 9e18) return static_cast<int64_t>(*d);
  }
  return fallback;
}

double Json::AsDouble(double fallback) const {
  if (const auto* v = std::get_if<double>(&v_)) return *v;
  if (const auto* i = std::get_if<int64_t>(&v_)) return static_cast<double>(*i);
  return fallback;
}

const std::string& Json::AsString() const {
  const auto* v = std::get_if<std::string>(&v_);
  return v != nullptr ? *v : kNoString;
}

std::string Json::AsString(std::string_view fallback) const {
  const auto* v = std::get_if<std::string>(&v_);
  return v != nullptr ? *v : std::string(fallback);
}

const Json::Array& Json::items() const {
  const auto* v = std::get_if<Array>(&v_);
  return v != nullptr ? *v : kNoItems;
}

const Json::Object& Json::members() const {
  const auto* v = std::get_if<Object>(&v_);
  return v != nullptr ? *v : kNoMembers;
}

Json::Array& Json::items() {
  if (!is_array()) v_ = Array{};
  return std::get<Array>(v_);
}

Json::Object& Json::members() {
  if (!is_object()) v_ = Object{};
  return std::get<Object>(v_);
}

size_t Json::size() const {
  if (is_array()) return std::get<Array>(v_).size();
  if (is_object()) return std::get<Object>(v_).size();
  return 0;
}

const Json* Json::Find(std::string_view key) const {
  for (const auto& member : members()) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

Json* Json::Find(std::string_view key) {
  return const_cast<Json*>(std::as_const(*this).Find(key));
}

const Json& Json::operator[](std::string_view key) const {
  const Json* found = Find(key);
  return found != nullptr ? *found : kNull;
}

Json& Json::operator[](std::string_view key) {
  Object& object = members();
  for (auto& member : object) {
    if (member.first == key) return member.second;
  }
  object.emplace_back(std::string(key), Json());
  return object.back().second;
}

const Json& Json::operator[](size_t index) const {
  const Array& array = items();
  return index < array.size() ? array[index] : kNull;
}

const Json& Json::At(std::string_view pointer) const {
  const Json* at = this;
  while (!pointer.empty()) {
    if (pointer[0] != '/') return kNull;
    const std::string token = NextToken(pointer);
    if (at->is_array()) {
      size_t index = 0;
      if (!ToIndex(token, index)) return kNull;
      at = &(*at)[index];
    } else {
      at = &(*at)[std::string_view(token)];
    }
  }
  return *at;
}

void Json::SetAt(std::string_view pointer, Json value) {
  Json* at = this;
  while (!pointer.empty() && pointer[0] == '/') {
    const std::string token = NextToken(pointer);
    size_t index = 0;
    if (at->is_array()) {
      if (!ToIndex(token, index) || index >= at->items().size()) return;
      at = &at->items()[index];
    } else {
      at = &(*at)[std::string_view(token)];
    }
  }
  *at = std::move(value);
}

void Json::EraseAt(std::string_view pointer) {
  const size_t slash = pointer.rfind('/');
  if (slash == std::string_view::npos) return;
  auto* parent = const_cast<Json*>(&At(pointer.substr(0, slash)));
  if (parent == &kNull) return;
  std::string_view last = pointer.substr(slash);
  const std::string token = NextToken(last);
  size_t index = 0;
  if (parent->is_object()) {
    parent->Erase(token);
  } else if (parent->is_array() && ToIndex(token, index) && index < parent->size()) {
    parent->items().erase(parent->items().begin() + static_cast<std::ptrdiff_t>(index));
  }
}

Json& Json::Set(std::string_view key, Json value) {
  (*this)[key] = std::move(value);
  return *this;
}

bool Json::Erase(std::string_view key) {
  if (!is_object()) return false;
  return std::erase_if(std::get<Object>(v_), [&](const Member& m) { return m.first == key; }) > 0;
}

void Json::Push(Json value) {
  items().push_back(std::move(value));
}

void Json::MergePatch(const Json& patch) {
  if (!patch.is_object()) {
    *this = patch;
    return;
  }
  members();
  for (const auto& [key, value] : patch.members()) {
    if (value.is_null()) {
      Erase(key);
    } else {
      (*this)[std::string_view(key)].MergePatch(value);
    }
  }
}

bool Json::operator==(const Json& other) const {
  if (is_number() && other.is_number()) {
    if (is_int() && other.is_int()) return AsInt() == other.AsInt();
    return AsDouble() == other.AsDouble();
  }
  if (v_.index() != other.v_.index()) return false;
  if (!is_object()) return v_ == other.v_;
  if (size() != other.size()) return false;
  for (const auto& [key, value] : members()) {
    const Json* theirs = other.Find(key);
    if (theirs == nullptr || *theirs != value) return false;
  }
  return true;
}

std::string Json::EscapePointer(std::string_view token) {
  std::string out;
  for (const char c : token) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

std::string Json::Quote(std::string_view text) {
  return Json(text).Dump();
}

}  // namespace slipway
