#include "devcluster/operators/watches.h"

#include <utility>

#include "devcluster/operators/objects_json.h"

namespace slipway::sim::operators {

Watches::Watches(kube::Client& client) : client_(client) {
  informers_.reserve(32);  // callbacks use the first element while others are added
}

Watches::~Watches() {
  while (!informers_.empty()) informers_.pop_back();
}

void Watches::Add(const char* api_version, const char* kind, const char* selector,
                  kube::Informer::OnChange on_change) {
  kube::InformerSpec spec;
  spec.api_version = api_version;
  spec.kind = kind;
  spec.label_selector = selector;
  spec.keep = {"/status/phase"};
  informers_.push_back(client_.Watch(std::move(spec), std::move(on_change)));
}

void Watches::Own(const char* api_version, const char* kind, Controller& controller,
                  std::string key) {
  Add(api_version, kind, "", [&controller, key = std::move(key)](Change, const ObjectPtr& object) {
    controller.Wake(key + "/" + object->ref.ns + "/" + object->ref.name);
  });
}

void Watches::Labelled(const char* api_version, const char* kind, const std::string& label,
                       Controller& controller, std::string key,
                       std::function<void(const std::string& uid)> gone) {
  Add(api_version, kind, label.c_str(),
      [&controller, label, key = std::move(key), gone = std::move(gone)](Change change,
                                                                         const ObjectPtr& object) {
        if (change == Change::kDeleted && gone) gone(object->uid);
        const Json parsed = object->Parse();
        if (change != Change::kDeleted && object->ref.kind == "Pod" && BeingDeleted(parsed))
          controller.Wake("ending/" + object->ref.ns + "/" + object->ref.name);
        controller.Wake(key + "/" + object->ref.ns + "/" + LabelOf(parsed, label));
      });
}

}  // namespace slipway::sim::operators
