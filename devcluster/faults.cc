#include "devcluster/faults.h"

#include <algorithm>

namespace slipway::sim {

namespace {

bool Glob(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool PathMatches(const std::string& pattern, std::string_view path) {
  if (pattern.empty()) return true;
  return pattern.find('*') != std::string::npos ? Glob(pattern, path)
                                                : path.find(pattern) != std::string_view::npos;
}

std::optional<Fault::Action> ActionOf(const std::string& name) {
  using Action = Fault::Action;
  static constexpr std::pair<const char*, Action> kActions[] = {
      {"latency", Action::kLatency}, {"status", Action::kStatus},
      {"drop", Action::kDrop},       {"half-line", Action::kHalfLine},
      {"gone", Action::kGone},       {"refuse-all", Action::kRefuseAll},
      {"page", Action::kPage},       {"garbage", Action::kGarbage}};
  for (const auto& [text, action] : kActions)
    if (name == text) return action;
  return std::nullopt;
}

}  // namespace

Answer<Json> Faults::Add(const Json& source) {
  const auto action = ActionOf(source["action"].AsString());
  if (!action)
    return BadRequest(
        "action must be latency, status, drop, half-line, gone, refuse-all, page or garbage");
  Rule rule;
  rule.fault = {*action, static_cast<int>(source["status"].AsInt(503)),
                static_cast<int>(source["retryAfter"].AsInt()), source["ms"].AsInt(),
                source["after"].AsInt()};
  if (rule.fault.status < 400 || rule.fault.status > 599)
    return BadRequest("status must be 400 to 599");
  rule.method = source["match"]["method"].AsString();
  rule.path = source["match"]["path"].AsString();
  rule.verb = source["match"]["verb"].AsString();
  rule.user_agent = source["match"]["userAgent"].AsString();
  rule.every = std::max<int64_t>(1, source["every"].AsInt(1));
  rule.count = source["count"].AsInt();
  rule.source = source;
  const std::lock_guard lock(mutex_);
  rule.id = next_id_++;
  rule.source.Set("id", rule.id);
  rules_.push_back(rule);
  return rule.source;
}

Json Faults::List() const {
  Json out = Json::MakeArray();
  const std::lock_guard lock(mutex_);
  for (const Rule& rule : rules_) {
    Json one = rule.source;
    one.Set("seen", rule.seen).Set("hits", rule.hits);
    out.Push(std::move(one));
  }
  return out;
}

void Faults::Remove(int64_t id) {
  const std::lock_guard lock(mutex_);
  std::erase_if(rules_, [&](const Rule& rule) { return id == 0 || rule.id == id; });
}

std::vector<Fault> Faults::Hit(std::string_view method, std::string_view path,
                               std::string_view verb, std::string_view user_agent) {
  std::vector<Fault> out;
  bool replaced = false;  // the answer, by a rule before this one
  const std::lock_guard lock(mutex_);
  for (Rule& rule : rules_) {
    const bool latency = rule.fault.action == Fault::Action::kLatency;
    if (replaced && !latency) continue;
    if (!rule.method.empty() && rule.method != method) continue;
    if (!rule.verb.empty() && rule.verb != verb) continue;
    if (!user_agent.starts_with(rule.user_agent)) continue;
    if (!PathMatches(rule.path, path)) continue;
    if (rule.count != 0 && rule.hits >= rule.count) continue;
    if (++rule.seen % rule.every != 0) continue;
    ++rule.hits;
    replaced |= !latency;
    out.push_back(rule.fault);
  }
  std::stable_sort(out.begin(), out.end(), [](const Fault& a, const Fault& b) {
    return (a.action == Fault::Action::kLatency) > (b.action == Fault::Action::kLatency);
  });
  return out;
}

}  // namespace slipway::sim
