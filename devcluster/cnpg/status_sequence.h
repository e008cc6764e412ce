#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"

namespace slipway::sim::operators::cnpg {

// Conditions as {type: "status/reason"}. Leaves out two that differ in the recordings: there the
// Cluster began with Ready False, and backups failed because `pods/exec` was missing.
inline Json PlainConditions(const Json& conditions) {
  Json out = Json::MakeObject();
  for (const Json& condition : conditions.items()) {
    const std::string& type = condition["type"].AsString();
    const std::string text = condition["status"].AsString() + "/" + condition["reason"].AsString();
    if (type != "LastBackupSucceeded" && text != "False/ClusterIsNotReady") out.Set(type, text);
  }
  return out;
}

inline void Blank(Json& map) {
  for (auto& [key, value] : map.members()) value = "*";
}

// Turns a stream of changed status keys into lines that can be compared.
class Sequence {
 public:
  void Add(Json changed) {
    changed.Erase("lastFailedBackup");
    for (const char* key : {"operatorCertificateFingerprint", "cloudNativePGOperatorHash",
                            "cloudNativePGCommitHash", "availableArchitectures",
                            "targetPrimaryTimestamp", "currentPrimaryTimestamp", "systemID"})
      if (const Json* value = changed.Find(key); value != nullptr && !value->is_null())
        changed.Set(key, "*");
    for (const char* pointer : {"/certificates/expirations", "/configMapResourceVersion/metrics",
                                "/secretsResourceVersion"})
      if (changed.At(pointer).is_object()) {
        Json map = changed.At(pointer);
        Blank(map);
        changed.SetAt(pointer, std::move(map));
      }
    if (Json* reported = changed.Find("instancesReportedState");
        reported != nullptr && reported->is_object())
      for (auto& [name, state] : reported->members()) state.Set("ip", "*");
    if (changed.Has("conditions")) {
      Json plain = PlainConditions(changed["conditions"]);
      changed.Erase("conditions");
      if (plain != conditions_) changed.Set("conditions", plain);
      conditions_ = std::move(plain);
    }
    // In the recordings the jobs vanish one by one, with us all at once.
    const Json* jobs = changed.Find("jobCount");
    if (changed.size() == 1 && jobs != nullptr && jobs->is_int() && healthy_) return;
    if (changed.empty()) return;
    const Json* phase = changed.Find("phase");
    healthy_ |= phase != nullptr && phase->AsString() == "Cluster in healthy state";
    done_ |= healthy_ && changed.Has("jobCount");
    lines_.push_back(Sorted(changed));
  }

  // Does the same for a whole status.
  void AddStatus(const Json& after) {
    Json difference = Json::MakeObject();
    for (const auto& [key, value] : after.members())
      if (std::as_const(before_)[key] != value) difference.Set(key, value);
    for (const auto& [key, value] : before_.members())
      if (!after.Has(key)) difference.Set(key, Json());
    before_ = after;
    Add(std::move(difference));
  }

  bool done() const { return done_; }

  const std::vector<std::string>& lines() const { return lines_; }

 private:
  static std::string Sorted(const Json& value) {
    if (!value.is_object()) return value.Dump();
    std::map<std::string, std::string> ordered;
    for (const auto& [key, member] : value.members()) ordered[key] = Sorted(member);
    std::string out = "{";
    for (const auto& [key, text] : ordered) out += key + ":" + text + " ";
    return out + "}";
  }

  Json conditions_ = Json::MakeObject(), before_ = Json::MakeObject();
  bool healthy_ = false, done_ = false;
  std::vector<std::string> lines_;
};

inline Sequence RecordedSequence(const Json& recording) {
  Sequence out;
  for (const Json& event : recording["events"].items())
    if (event["kind"].AsString() == "Cluster" && !out.done()) out.Add(event["changed"]);
  return out;
}

inline void ExpectSame(const Sequence& recorded, const Sequence& written) {
  const auto &want = recorded.lines(), &have = written.lines();
  for (size_t i = 0; i < std::max(want.size(), have.size()); ++i) {
    const std::string w = i < want.size() ? want[i] : "(nothing)";
    const std::string h = i < have.size() ? have[i] : "(nothing)";
    ASSERT_EQ(w, h) << "step " << i;
  }
}

}  // namespace slipway::sim::operators::cnpg
