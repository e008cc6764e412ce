#include <set>

#include <slipway/kit/changes.h>

namespace slipway::kit {

namespace {

const char* Name(How how) {
  switch (how) {
    case How::kReload:
      return "RELOAD";
    case How::kInPlace:
      return "IN_PLACE";
    case How::kRollingRestart:
      return "ROLLING_RESTART";
    case How::kNone:
      break;
  }
  return "NONE";
}

Change ChangeOfMembers(int64_t before, int64_t after) {
  Change out{"/instances", How::kInPlace};
  if (after < before)
    out.loses = std::to_string(before - after) + " of " + std::to_string(before) +
                " members, each with its volume";
  return out;
}

std::set<std::string> KeysOf(const Json& a, const Json& b) {
  std::set<std::string> out;
  for (const Json* object : {&a, &b}) {
    const auto keys = object->keys();
    out.insert(keys.begin(), keys.end());
  }
  return out;
}

}  // namespace

Json Change::ToJson() const {
  Json out = Json::Obj({{"path", path}, {"how", Name(how)}});
  if (!revertible) out.Set("revertible", false);
  if (!loses.empty()) out.Set("loses", loses);
  return out;
}

Json ChangesOf(const Json& previous, const Json& spec, HowOfParameter how_of) {
  Json out = Json::Arr();
  const auto differs = [&](const char* name) { return previous[name] != spec[name]; };
  if (differs("tier")) out.Push(Change{"/tier"}.ToJson());
  if (differs("pod_monitor")) out.Push(Change{"/pod_monitor"}.ToJson());
  if (differs("instances"))
    out.Push(ChangeOfMembers(previous["instances"].AsInt(), spec["instances"].AsInt()).ToJson());
  if (differs("storage")) out.Push(Change{"/storage", How::kInPlace, false}.ToJson());
  for (const char* name : {"memory", "cpu"})
    if (differs(name)) out.Push(Change{std::string("/") + name, How::kRollingRestart}.ToJson());
  const Json &before = previous["parameters"], &after = spec["parameters"];
  for (const std::string& name : KeysOf(before, after)) {
    if (before[name] != after[name]) out.Push(Change{"/parameters/" + name, how_of(name)}.ToJson());
  }
  return out;
}

}  // namespace slipway::kit
