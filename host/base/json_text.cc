// Turns text into Json and back. No other file of the host knows RapidJSON.
#include <cmath>
#include <stdexcept>
#include <unordered_set>

#include "base/json.h"

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

// Builds a tree from SAX events. It refuses depth and duplicate keys on the way, so that hostile
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

  // For each key of a large object a look through all its members would cost quadratic time.
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

}  // namespace

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

Json Json::ParseObject(std::string_view text) {
  auto parsed = Parse(text);
  return parsed && parsed->is_object() ? *std::move(parsed) : MakeObject();
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

std::string Json::Quote(std::string_view text) {
  return Json(text).Dump();
}

}  // namespace slipway
