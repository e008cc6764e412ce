#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "devcluster/operators/controller.h"
#include "kube/client.h"

namespace slipway::sim::operators {

// The informers of an operator. They only wake keys up: a pass reads what it needs.
class Watches {
 public:
  using Change = kube::Informer::Change;
  using ObjectPtr = kube::Informer::ObjectPtr;

  explicit Watches(kube::Client& client);
  ~Watches();  // ends the first one last: the callbacks of the others may read it
  Watches(const Watches&) = delete;
  Watches& operator=(const Watches&) = delete;

  // `selector` is a label selector, "" for all.
  void Add(const char* api_version, const char* kind, const char* selector,
           kube::Informer::OnChange on_change);
  // Wakes `key`/NAMESPACE/NAME of the object itself.
  void Own(const char* api_version, const char* kind, Controller& controller, std::string key);
  // Wakes `key`/NAMESPACE/(the value of the label), and "ending" for a pod that is being deleted.
  // Thus a pod is ended by the one operator whose label it has. `gone` gets the uids of deleted
  // objects; it may be empty.
  void Labelled(const char* api_version, const char* kind, const std::string& label,
                Controller& controller, std::string key,
                std::function<void(const std::string& uid)> gone = {});

  // The objects that the first watch holds.
  std::vector<ObjectPtr> All() const { return informers_.front()->All(); }

 private:
  kube::Client& client_;
  std::vector<std::unique_ptr<kube::Informer>> informers_;
};

}  // namespace slipway::sim::operators
