#include "base/yaml.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include <yaml-cpp/yaml.h>

namespace slipway {
namespace {

constexpr int kMaxDepth = 64;
constexpr size_t kMaxValues = 200'000;
constexpr size_t kMaxAliased = 2'000;  // values beyond one per byte

struct Failure {
  YAML::Mark mark;
  std::string what;
};

bool IsNumber(const std::string& text) {
  const size_t first = text[0] == '+' || text[0] == '-' ? 1 : 0;
  return first < text.size() &&
         (std::isdigit(static_cast<unsigned char>(text[first])) != 0 || text[first] == '.');
}

Json Plain(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return {};
  if (text == "true" || text == "True" || text == "TRUE") return Json(true);
  if (text == "false" || text == "False" || text == "FALSE") return Json(false);
  if (!IsNumber(text)) return Json(text);
  const char *begin = text.data() + (text[0] == '+' ? 1 : 0), *end = text.data() + text.size();
  int64_t integer = 0;
  if (const auto [at, error] = std::from_chars(begin, end, integer);
      error == std::errc() && at == end)
    return Json(integer);
  // 1e3 and 1.5 are floats; "1Gi" and "10.0.0.1" are not.
  double number = 0;
  if (const auto [at, error] = std::from_chars(begin, end, number);
      error == std::errc() && at == end)
    return Json(number);
  return Json(text);
}

// A quoted scalar ("!") and a !!str stay strings whatever they look like.
Json Scalar(const YAML::Node& node) {
  constexpr std::string_view kStandard = "tag:yaml.org,2002:";
  const std::string& tag = node.Tag();
  if (tag == "!" || tag == std::string(kStandard) + "str") return Json(node.Scalar());
  Json value = Plain(node.Scalar());
  const auto is = [&](const char* name) { return tag == std::string(kStandard) + name; };
  const bool fits = tag.empty() || tag == "?" || (is("null") && value.is_null()) ||
                    (is("bool") && value.is_bool()) || (is("int") && value.is_int()) ||
                    (is("float") && value.is_number());
  if (!fits) throw Failure{node.Mark(), "a value that its tag " + tag + " does not fit"};
  return value;
}

// Turns one document's nodes into `out`. Throws Failure.
class Converter {
 public:
  Converter(YamlDocument& out, size_t limit) : out_(out), limit_(limit) {}

  Json Convert(const YAML::Node& node, const std::string& pointer, int depth) {
    Count(node);
    if (depth > kMaxDepth) throw Failure{node.Mark(), "nested deeper than 64"};
    Mark(pointer, node.Mark());
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        return Scalar(node);
      case YAML::NodeType::Sequence: {
        Json array = Json::MakeArray();
        size_t i = 0;
        for (const auto& item : node)
          array.Push(Convert(item, pointer + "/" + std::to_string(i++), depth + 1));
        return array;
      }
      case YAML::NodeType::Map:
        return Mapping(node, pointer, depth);
      default:
        return {};
    }
  }

 private:
  void Count(const YAML::Node& node) {
    if (++count_ > limit_)
      throw Failure{node.Mark(), "more than " + std::to_string(limit_) + " values"};
  }

  void Mark(const std::string& pointer, const YAML::Mark& mark) {
    out_.marks[pointer] = {mark.line + 1, mark.column + 1};
  }

  Json Mapping(const YAML::Node& node, const std::string& pointer, int depth) {
    Json object = Json::MakeObject();
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) throw Failure{entry.first.Mark(), "a key must be a scalar"};
      const std::string key = entry.first.Scalar();
      if (IsMerge(entry.first)) continue;
      if (object.Has(key)) throw Failure{entry.first.Mark(), "duplicate key \"" + key + "\""};
      const std::string child = pointer + "/" + Json::EscapePointer(key);
      Json value = Convert(entry.second, child, depth + 1);
      Mark(child, entry.first.Mark());
      object.members().emplace_back(key, std::move(value));
    }
    for (const auto& entry : node) {
      if (!IsMerge(entry.first)) continue;
      if (entry.second.IsSequence()) {
        for (const auto& item : entry.second) Merge(item, pointer, depth, object);
      } else {
        Merge(entry.second, pointer, depth, object);
      }
    }
    return object;
  }

  static bool IsMerge(const YAML::Node& key) { return key.Scalar() == "<<" && key.Tag() == "?"; }

  // "<<: *other": the members of another mapping, where this one has none of that name.
  void Merge(const YAML::Node& other, const std::string& pointer, int depth, Json& object) {
    if (!other.IsMap()) throw Failure{other.Mark(), "<< must name a mapping"};
    if (depth > kMaxDepth) throw Failure{other.Mark(), "nested deeper than 64"};
    YamlDocument apart;
    Count(other);
    Converter converter(apart, limit_);
    converter.count_ = count_;
    Json merged = converter.Mapping(other, pointer, depth + 1);
    count_ = converter.count_;
    for (auto& [key, value] : merged.members()) {
      if (!object.Has(key)) object.members().emplace_back(key, std::move(value));
    }
    out_.marks.merge(apart.marks);
  }

  YamlDocument& out_;
  const size_t limit_;
  size_t count_ = 0;
};

Error Bad(const YAML::Mark& mark, const std::string& what) {
  return {Code::kInvalid, "BadYaml",
          std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) + ": " + what};
}

Error FileError(const std::string& path) {
  return {errno == ENOENT ? Code::kNotFound : Code::kInternal, "FileError",
          path + ": " + std::strerror(errno)};
}

}  // namespace

std::string YamlDocument::Where(const std::string& file, std::string_view pointer) const {
  std::string at(pointer);
  while (true) {
    const auto it = marks.find(at);
    if (it != marks.end())
      return file + ":" + std::to_string(it->second.line) + ":" + std::to_string(it->second.column);
    const size_t slash = at.rfind('/');
    if (slash == std::string::npos) return file;
    at.resize(slash);
  }
}

Result<std::vector<YamlDocument>> ParseYaml(const std::string& text) {
  std::vector<YamlDocument> out;
  // Aliases can multiply what a short text says; nobody who writes by hand needs them for much.
  const size_t limit = std::min(kMaxValues, text.size() + kMaxAliased);
  try {
    for (const YAML::Node& node : YAML::LoadAll(text)) {
      YamlDocument document;
      document.value = Converter(document, limit).Convert(node, "", 0);
      out.push_back(std::move(document));
    }
  } catch (const YAML::Exception& e) {
    return Bad(e.mark, e.msg);
  } catch (const Failure& e) {
    return Bad(e.mark, e.what);
  }
  return out;
}

Result<YamlDocument> ParseYamlDocument(const std::string& text) {
  TRY(std::vector<YamlDocument> all, ParseYaml(text));
  while (all.size() > 1 && all.back().value.is_null()) all.pop_back();  // a "---" at the end
  if (all.size() > 1) return Error{Code::kInvalid, "BadYaml", "1:1: more than one document"};
  if (all.empty()) return YamlDocument{{}, {{"", {1, 1}}}};
  return std::move(all[0]);
}

Result<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return FileError(path);
  std::string out, block(size_t{64} << 10, '\0');
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0)
    out.append(block, 0, static_cast<size_t>(in.gcount()));
  if (in.bad()) return FileError(path);
  return out;
}

Result<void> WriteFileAtomically(const std::string& path, std::string_view data, unsigned mode) {
  const std::string temporary = path + ".tmp";
  ::unlink(temporary.c_str());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return FileError(temporary);
  bool ok = true;
  while (ok && !data.empty()) {
    const ssize_t n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    ok = n > 0;
    if (ok) data.remove_prefix(static_cast<size_t>(n));
  }
  ok = ok && ::fsync(fd) == 0;
  ok = ::close(fd) == 0 && ok;
  if (!ok || ::rename(temporary.c_str(), path.c_str()) != 0) return FileError(path);
  return {};
}

}  // namespace slipway
