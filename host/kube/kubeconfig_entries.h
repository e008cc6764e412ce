#pragma once

#include <optional>
#include <string>

#include "base/yaml_field.h"
#include "kube/config.h"

namespace slipway::kube {

// A cluster, user or context of a kubeconfig.
struct KubeconfigEntry {
  YamlField field;              // its mapping
  std::string path, directory;  // of the file that it stands in
};

// Both read the fields that the client uses; mistakes become problems of the field. As for kubectl,
// a null or empty field counts as absent, and unknown fields are no mistakes.
void ReadCluster(const KubeconfigEntry& cluster, Config& config);
// Call ReadCluster first, for a plugin may want to know the cluster.
void ReadUser(const KubeconfigEntry& user, const KubeconfigEntry& cluster, Config& config);

}  // namespace slipway::kube
