#include "http/router.h"

#include <algorithm>
#include <map>
#include <set>

namespace slipway::http {

// One segment of the tree of templates. The longest template limits its depth, not the client's
// path.
struct Router::Node {
  struct Entry {
    size_t route;
    std::vector<std::string> names;  // of the template's parameters
  };

  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> parameter;
  std::map<std::string, Entry, std::less<>> methods;

  // Searches depth first, literals before the parameter. `taken` holds the segments that parameters
  // match.
  const Node* Find(const std::vector<std::string>& segments, size_t depth,
                   std::vector<const std::string*>& taken) const {
    if (depth == segments.size()) return methods.empty() ? nullptr : this;
    const std::string& segment = segments[depth];
    if (const auto it = literals.find(segment); it != literals.end()) {
      if (const Node* found = it->second->Find(segments, depth + 1, taken)) return found;
    }
    if (!parameter || segment.empty()) return nullptr;
    taken.push_back(&segment);
    if (const Node* found = parameter->Find(segments, depth + 1, taken)) return found;
    taken.pop_back();
    return nullptr;
  }

  std::string Allow() const {
    std::set<std::string, std::less<>> names{"OPTIONS"};
    for (const auto& [method, entry] : methods) names.insert(method);
    if (names.contains("GET")) names.insert("HEAD");
    std::string out;
    for (const auto& name : names) out.append(out.empty() ? "" : ", ").append(name);
    return out;
  }
};

Router::Router() : root_(std::make_unique<Node>()) {}

Router::~Router() = default;

bool Router::Add(std::string_view method, std::string_view path_template, size_t route) {
  if (method.empty() || path_template.empty() || path_template[0] != '/') return false;
  Node* node = root_.get();
  std::vector<std::string> names;
  while (!path_template.empty()) {
    path_template.remove_prefix(1);
    const size_t slash = path_template.find('/');
    const std::string_view segment = path_template.substr(0, slash);
    path_template.remove_prefix(slash == path_template.npos ? path_template.size() : slash);
    const bool braces = segment.find_first_of("{}") != segment.npos;
    std::unique_ptr<Node>* next = nullptr;
    if (braces) {
      const bool whole = segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
      if (!whole || segment.find_first_of("{}", 1) != segment.size() - 1) return false;
      names.emplace_back(segment.substr(1, segment.size() - 2));
      if (std::count(names.begin(), names.end(), names.back()) > 1) return false;
      next = &node->parameter;
    } else {
      next = &node->literals[std::string(segment)];
    }
    if (!*next) *next = std::make_unique<Node>();
    node = next->get();
  }
  return node->methods.try_emplace(std::string(method), Node::Entry{route, std::move(names)})
      .second;
}

Router::Found Router::Match(std::string_view method,
                            const std::vector<std::string>& segments) const {
  Found found;
  std::vector<const std::string*> taken;
  const Node* node = root_->Find(segments, 0, taken);
  if (!node) return found;
  auto it = node->methods.find(method);
  if (it == node->methods.end() && method == "HEAD") it = node->methods.find("GET");
  if (it == node->methods.end()) {
    found.outcome = Outcome::kMethodNotAllowed;
    found.allow = node->Allow();
    return found;
  }
  found.outcome = Outcome::kFound;
  found.route = it->second.route;
  for (size_t i = 0; i < taken.size(); ++i) {
    found.params.emplace_back(it->second.names[i], *taken[i]);
  }
  if (method == "OPTIONS") found.allow = node->Allow();
  return found;
}

}  // namespace slipway::http
