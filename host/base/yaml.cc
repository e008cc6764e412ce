#include "base/yaml.h"

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

// A tagged or quoted scalar ("!") stays a string whatever it looks like.
Json Scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str") return Json(text);
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return {};
  if (text == "true" || text == "True" || text == "TRUE") return Json(true);
  if (text == "false" || text == "False" || text == "FALSE") return Json(false);
  int64_t integer = 0;
  const char* begin = text.data() + (text[0] == '+' ? 1 : 0);
  auto [end, ec] = std::from_chars(begin, text.data() + text.size(), integer);
  if (ec == std::errc() && end == text.data() + text.size()) return Json(integer);
  // 1e3 and 1.5 are floats; "1Gi", "10.0.0.1" and "inf-1" are not.
  double number = 0;
  auto [end2, ec2] = std::from_chars(begin, text.data() + text.size(), number);
  if (ec2 == std::errc() && end2 == text.data() + text.size() &&
      text.find_first_of("0123456789") != std::string::npos)
    return Json(number);
  return Json(text);
}

struct Failure {
  YAML::Mark mark;
  std::string what;
};

Json Convert(const YAML::Node& node, const std::string& pointer, YamlDocument& out, int depth) {
  if (depth > kMaxDepth) throw Failure{node.Mark(), "nested deeper than 64"};
  if (out.marks.size() > 200'000) throw Failure{node.Mark(), "more than 200000 values"};
  out.marks[pointer] = {node.Mark().line + 1, node.Mark().column + 1};
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return Scalar(node);
    case YAML::NodeType::Sequence: {
      Json array = Json::MakeArray();
      size_t i = 0;
      for (const auto& item : node)
        array.Push(Convert(item, pointer + "/" + std::to_string(i++), out, depth + 1));
      return array;
    }
    case YAML::NodeType::Map: {
      Json object = Json::MakeObject();
      for (const auto& entry : node) {
        if (!entry.first.IsScalar()) throw Failure{entry.first.Mark(), "a key must be a scalar"};
        const std::string key = entry.first.Scalar();
        if (object.Has(key)) throw Failure{entry.first.Mark(), "duplicate key \"" + key + "\""};
        const std::string child = pointer + "/" + Json::EscapePointer(key);
        Json value = Convert(entry.second, child, out, depth + 1);
        out.marks[child] = {entry.first.Mark().line + 1, entry.first.Mark().column + 1};
        object.members().emplace_back(key, std::move(value));
      }
      return object;
    }
    default:
      return {};
  }
}

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
  try {
    for (const YAML::Node& node : YAML::LoadAll(text)) {
      YamlDocument document;
      document.value = Convert(node, "", document, 0);
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
  if (all.size() > 1) return Error{Code::kInvalid, "BadYaml", "1:1: more than one document"};
  if (all.empty()) return YamlDocument{};
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
