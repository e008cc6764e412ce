#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kube/client.h"
#include "sim/operators/controller.h"

namespace slipway::sim::operators {

// The informers of an operator. They only wake keys up: a pass reads what it needs.
class Watches {
 public:
  using Change = kube::Informer::Change;
  using ObjectPtr = kube::Informer::ObjectPtr;

  explicit Watches(kube::Client& client);
  ~Watches();  // the first one last: the others' callbacks may read it until they have ended
  Watches(const Watches&) = delete;
  Watches& operator=(const Watches&) = delete;

  // `selector` is a label selector, "" for all.
  void Add(const char* api_version, const char* kind, const char* selector,
           kube::Informer::OnChange on_change);
  // Wakes `key`/NAMESPACE/NAME of the object itself.
  void Own(const char* api_version, const char* kind, Controller& controller, std::string key);
  // Wakes `key`/NAMESPACE/(the value of its label), and "ending" for a pod that is being deleted.
  // Pods are thus ended by the one operator whose label they have.
  // `gone` hears the uids of deleted objects; may be empty.
  void Labelled(const char* api_version, const char* kind, const std::string& label,
                Controller& controller, std::string key,
                std::function<void(const std::string& uid)> gone = {});

  // What the first watch holds.
  std::vector<ObjectPtr> All() const { return informers_.front()->All(); }

 private:
  kube::Client& client_;
  std::vector<std::unique_ptr<kube::Informer>> informers_;
};

}  // namespace slipway::sim::operators
