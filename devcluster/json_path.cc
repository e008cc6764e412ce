#include "devcluster/json_path.h"

#include <cstdlib>

namespace slipway::sim {

namespace {

const Json kAbsent;

std::string NextName(std::string_view& path) {
  std::string name;
  size_t i = 0;
  for (; i < path.size() && path[i] != '.' && path[i] != '['; ++i) {
    if (path[i] == '\\' && i + 1 < path.size()) ++i;
    name += path[i];
  }
  path.remove_prefix(i);
  return name;
}

std::string Unquoted(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '"' || text.front() == '\''))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '"' || text.back() == '\''))
    text.remove_suffix(1);
  return std::string(text);
}

// Evaluates what is inside the brackets.
const Json& Bracket(const Json& value, std::string_view inside) {
  if (inside.rfind("?(@.", 0) == 0) {
    const size_t equals = inside.find("==");
    if (equals == std::string_view::npos) return kAbsent;
    const std::string field = Unquoted(inside.substr(4, equals - 4));
    const std::string wanted = Unquoted(inside.substr(equals + 2, inside.size() - equals - 3));
    for (const Json& item : value.items())
      if (FindPath(item, field).AsString() == wanted) return item;
    return kAbsent;
  }
  if (!inside.empty() && (inside[0] == '\'' || inside[0] == '"'))
    return value[std::string_view(Unquoted(inside))];
  if (inside == "*") return value[size_t{0}];
  return value[static_cast<size_t>(std::strtoul(std::string(inside).c_str(), nullptr, 10))];
}

}  // namespace

const Json& FindPath(const Json& value, std::string_view path) {
  const Json* at = &value;
  while (!path.empty()) {
    if (path.front() == '[') {
      const size_t end = path.find(']');
      if (end == std::string_view::npos) return kAbsent;
      at = &Bracket(*at, path.substr(1, end - 1));
      path.remove_prefix(end + 1);
      continue;
    }
    if (path.front() == '.') path.remove_prefix(1);
    const std::string name = NextName(path);
    if (!name.empty()) at = &(*at)[std::string_view(name)];
  }
  return *at;
}

void SetPath(Json& value, std::string_view path, Json to) {
  Json* at = &value;
  while (!path.empty()) {
    path.remove_prefix(1);
    at = &(*at)[std::string_view(NextName(path))];
  }
  *at = std::move(to);
}

}  // namespace slipway::sim
