#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "devcluster/operators/objects_json.h"
#include "kube/cluster.h"

namespace slipway::sim::operators {

// An API server for tests that keeps its objects in a map. It has resource versions, the status
// subresource, deletion of owned objects, and a log of every change. It calls on_change without the
// lock.
class FakeCluster final : public kube::Cluster {
 public:
  struct Change {
    std::string verb;  // ADDED, MODIFIED, DELETED
    Json object;
  };

  explicit FakeCluster(const Clock& clock) : clock_(clock) {}

  std::function<void(const Change&)> on_change;
  std::string plain_kind;  // a kind whose status is a field like any other

  Result<Json> Get(const kube::ObjectRef& ref) override {
    const std::lock_guard lock(mutex_);
    const auto it = objects_.find(ref);
    if (it == objects_.end())
      return Error{Code::kNotFound, "NotFound", ref.ToString() + " not found"};
    return it->second;
  }

  Result<kube::ObjectList> List(const std::string& api_version, const std::string& kind,
                                const std::string& ns, const kube::ListOptions& options) override {
    const std::lock_guard lock(mutex_);
    kube::ObjectList out;
    for (const auto& [ref, object] : objects_)
      if (ref.api_version == api_version && ref.kind == kind && (ns.empty() || ref.ns == ns) &&
          Selected(object, options.label_selector))
        out.items.push_back(object);
    return out;
  }

  // Makes the n-th write from now fail with "unavailable" (0: the next write of the operator).
  void FailOnce(int64_t n) {
    const std::lock_guard lock(mutex_);
    fail_in_ = n + 1;  // the test makes the Cluster itself
  }

  // Forbids objects of that kind, as an admission plugin does; "" allows all again.
  void Refuse(const std::string& kind, const std::string& why) {
    const std::lock_guard lock(mutex_);
    refused_kind_ = kind;
    refusal_ = why;
  }

  Result<Json> Create(const Json& object) override {
    if (Fails()) return Error{Code::kUnavailable, "Fake", "fails once"};
    if (object["kind"].AsString() == "Binding") {
      const kube::ObjectRef pod{"v1", "Pod", NamespaceOf(object), NameOf(object)};
      const std::string node = object["target"]["name"].AsString();
      return Write(pod, "", "", [&](Json& bound) { bound.SetAt("/spec/nodeName", node); });
    }
    const kube::ObjectRef ref = RefOf(object);
    Json stored = object;
    std::vector<Json> gone;
    {
      const std::lock_guard lock(mutex_);
      if (objects_.count(ref) != 0)
        return Error{Code::kAlreadyExists, "AlreadyExists", ref.ToString()};
      if (ref.kind == refused_kind_) return Error{Code::kForbidden, "Forbidden", refusal_};
      Json& metadata = stored["metadata"];
      metadata.Set("uid", NewId("uid", clock_))
          .Set("generation", 1)
          .Set("resourceVersion", std::to_string(++version_));
      metadata.Set("creationTimestamp", FormatSeconds(clock_.NowMs()));
      if (ref.kind == "Pod") stored.SetAt("/status/phase", "Pending");
      objects_[ref] = stored;
      changes_.push_back({"ADDED", stored});
      // A pass may create an object whose owner has just been deleted. The garbage collector finds
      // it.
      if (Orphaned(stored)) Erase(ref, gone);
    }
    Tell("ADDED", stored);
    for (const Json& object_gone : gone) Tell("DELETED", object_gone);
    return stored;
  }

  Result<Json> Apply(const Json&, const kube::ApplyOptions&) override {
    return Error{Code::kUnsupported, "Fake", "no apply"};
  }

  Result<Json> Update(const Json& object, const std::string& subresource) override {
    return Write(RefOf(object), subresource, object["metadata"]["resourceVersion"].AsString(),
                 [&](Json& stored) { stored = object; });
  }

  Result<Json> Patch(const kube::ObjectRef& ref, kube::PatchType, const Json& patch,
                     const std::string& subresource) override {
    return Write(ref, subresource, "", [&](Json& stored) { stored.MergePatch(patch); });
  }

  Result<void> Delete(const kube::ObjectRef& ref, const kube::DeleteOptions&) override {
    std::vector<Json> gone;
    {
      const std::lock_guard lock(mutex_);
      Erase(ref, gone);
    }
    for (const Json& object : gone) Tell("DELETED", object);
    return {};
  }

  Result<kube::Resource> Discover(const std::string&, const std::string&) override {
    return Error{Code::kUnsupported, "Fake", "none"};
  }

  Result<std::string> PodLog(const std::string&, const std::string&, const std::string&,
                             int) override {
    return std::string();
  }

  Result<std::string> ProxyGet(const std::string&, const std::string&, const std::string&,
                               const std::string&) override {
    return Error{Code::kUnsupported, "Fake", "none"};
  }

  Result<void> Ping() override { return {}; }

  std::vector<Change> Changes() const {
    const std::lock_guard lock(mutex_);
    return changes_;
  }

  std::vector<Json> Objects() const {
    const std::lock_guard lock(mutex_);
    std::vector<Json> out;
    for (const auto& [ref, object] : objects_) out.push_back(object);
    return out;
  }

 private:
  bool Fails() {
    const std::lock_guard lock(mutex_);
    return fail_in_ >= 0 && fail_in_-- == 0;
  }

  static bool Selected(const Json& object, const std::string& selector) {
    if (selector.empty()) return true;
    const size_t equals = selector.find('=');
    const Json& labels = object["metadata"]["labels"];
    if (equals == std::string::npos) return labels.Has(selector);
    return labels[selector.substr(0, equals)].AsString() == selector.substr(equals + 1);
  }

  template <class F>
  Result<Json> Write(const kube::ObjectRef& ref, const std::string& subresource,
                     const std::string& expected, F change) {
    if (Fails()) return Error{Code::kUnavailable, "Fake", "fails once"};
    Json stored;
    {
      const std::lock_guard lock(mutex_);
      const auto it = objects_.find(ref);
      if (it == objects_.end()) return Error{Code::kNotFound, "NotFound", ref.ToString()};
      if (!expected.empty() && it->second["metadata"]["resourceVersion"].AsString() != expected)
        return Error{Code::kConflict, "Conflict", ref.ToString()};
      stored = it->second;
      change(stored);
      // As on a server, a write of the main resource leaves the status alone, and a write of the
      // status leaves everything else alone.
      Json merged = subresource == "status" ? it->second : stored;
      if (ref.kind != plain_kind)
        merged.Set("status", (subresource == "status" ? stored : it->second)["status"]);
      if (merged["spec"] != it->second["spec"])
        merged["metadata"].Set("generation", it->second["metadata"]["generation"].AsInt() + 1);
      merged["metadata"].Set("resourceVersion", it->second["metadata"]["resourceVersion"]);
      if (merged == it->second) return merged;
      merged["metadata"].Set("resourceVersion", std::to_string(++version_));
      it->second = stored = merged;
      changes_.push_back({"MODIFIED", stored});
    }
    Tell("MODIFIED", stored);
    return stored;
  }

  bool Orphaned(const Json& object) const {
    const auto& owners = object["metadata"]["ownerReferences"].items();
    return !owners.empty() && std::none_of(owners.begin(), owners.end(), [&](const Json& owner) {
      return std::any_of(objects_.begin(), objects_.end(), [&](const auto& entry) {
        return UidOf(entry.second) == owner["uid"].AsString();
      });
    });
  }

  void Erase(const kube::ObjectRef& ref, std::vector<Json>& gone) {
    const auto it = objects_.find(ref);
    if (it == objects_.end()) return;
    const std::string uid = UidOf(it->second);
    gone.push_back(it->second);
    changes_.push_back({"DELETED", it->second});
    objects_.erase(it);
    std::vector<kube::ObjectRef> owned;
    for (const auto& [other, object] : objects_)
      for (const Json& owner : object["metadata"]["ownerReferences"].items())
        if (owner["uid"].AsString() == uid) owned.push_back(other);
    for (const kube::ObjectRef& other : owned) Erase(other, gone);
  }

  void Tell(const char* verb, const Json& object) {
    if (on_change) on_change({verb, object});
  }

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<kube::ObjectRef, Json> objects_;
  std::vector<Change> changes_;
  std::string refused_kind_, refusal_;
  int64_t version_ = 100, fail_in_ = -1;
};

}  // namespace slipway::sim::operators
