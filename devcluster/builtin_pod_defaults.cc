#include "devcluster/builtin_pod_defaults.h"

#include <string>

namespace slipway::sim {

namespace {

void DefaultAction(Json& action) {
  if (Json* get = action.Find("httpGet"); get != nullptr) {
    Default(*get, "path", "/");
    Default(*get, "scheme", "HTTP");
  }
}

void DefaultContainer(Json& container) {
  const std::string image = std::as_const(container)["image"].AsString();
  const std::string last =
      image.substr(image.rfind('/') == std::string::npos ? 0 : image.rfind('/'));
  const size_t colon = last.find(':');
  const bool latest = last.find('@') == std::string::npos &&
                      (colon == std::string::npos || last.substr(colon) == ":latest");
  Default(container, "imagePullPolicy", latest ? "Always" : "IfNotPresent");
  Default(container, "terminationMessagePath", "/dev/termination-log");
  Default(container, "terminationMessagePolicy", "File");
  DefaultProtocols(container);
  for (const char* name : {"livenessProbe", "readinessProbe", "startupProbe"}) {
    Json* probe = container.Find(name);
    if (probe == nullptr) continue;
    DefaultAction(*probe);
    if (Json* grpc = probe->Find("grpc"); grpc != nullptr && grpc->is_object())
      if (std::as_const(*grpc)["service"].is_null()) grpc->Set("service", "");
    Default(*probe, "timeoutSeconds", 1);
    Default(*probe, "periodSeconds", 10);
    Default(*probe, "successThreshold", 1);
    Default(*probe, "failureThreshold", 3);
  }
  if (Json* lifecycle = container.Find("lifecycle"); lifecycle != nullptr)
    for (auto& [name, hook] : lifecycle->members()) DefaultAction(hook);
  Each(container, "env", [](Json& env) {
    if (Json* from = env.Find("valueFrom"); from != nullptr)
      if (Json* field = from->Find("fieldRef"); field != nullptr)
        Default(*field, "apiVersion", "v1");
    if (Json* from = env.Find("valueFrom"); from != nullptr)
      if (Json* resource = from->Find("resourceFieldRef"); resource != nullptr)
        Default(*resource, "divisor", "0");
  });
}

void DefaultFields(Json& downward) {
  Each(downward, "items", [](Json& item) {
    if (Json* field = item.Find("fieldRef"); field != nullptr) Default(*field, "apiVersion", "v1");
  });
}

void DefaultVolume(Json& volume) {
  if (volume.size() == 1) volume.Set("emptyDir", Json::MakeObject());
  for (const char* source : {"secret", "configMap", "projected", "downwardAPI"})
    if (Json* found = volume.Find(source); found != nullptr) Default(*found, "defaultMode", 420);
  if (Json* host = volume.Find("hostPath"); host != nullptr) Default(*host, "type", "");
  if (Json* projected = volume.Find("projected"); projected != nullptr)
    Each(*projected, "sources", [](Json& one) {
      if (Json* token = one.Find("serviceAccountToken"); token != nullptr)
        Default(*token, "expirationSeconds", 3600);
      if (Json* downward = one.Find("downwardAPI"); downward != nullptr) DefaultFields(*downward);
    });
  if (Json* downward = volume.Find("downwardAPI"); downward != nullptr) DefaultFields(*downward);
  if (Json* own = volume.Find("ephemeral"); own != nullptr && own->Has("volumeClaimTemplate"))
    Default((*own)["volumeClaimTemplate"]["spec"], "volumeMode", "Filesystem");
}

}  // namespace

void DefaultProtocols(Json& object) {
  Each(object, "ports", [](Json& port) { Default(port, "protocol", "TCP"); });
}

void DefaultPodSpec(Json& spec) {
  for (const char* list : {"containers", "initContainers"}) Each(spec, list, DefaultContainer);
  Each(spec, "volumes", DefaultVolume);
  Default(spec, "restartPolicy", "Always");
  Default(spec, "terminationGracePeriodSeconds", 30);
  Default(spec, "dnsPolicy", "ClusterFirst");
  Default(spec, "schedulerName", "default-scheduler");
  Default(spec, "securityContext", Json::MakeObject());
  // The same value under its old name.
  if (spec.Has("serviceAccountName"))
    spec.Set("serviceAccount", std::as_const(spec)["serviceAccountName"]);
}

}  // namespace slipway::sim
