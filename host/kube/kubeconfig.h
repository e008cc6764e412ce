#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "kube/config.h"

namespace slipway::kube {

// Reads a kubeconfig. An empty path means $KUBECONFIG, then ~/.kube/config; an empty context means
// current-context. Paths in the file are relative to it. Error kInvalid "BadKubeconfig"; the
// message names file, line, column, context, user or cluster, and field.
Result<Config> LoadKubeconfig(const std::string& path, const std::string& context);
// The account of the pod. kNotFound when this process does not run in one.
Result<Config> InClusterConfig(
    const std::string& root = "/var/run/secrets/kubernetes.io/serviceaccount");

// The files that the value of $KUBECONFIG names ("a:b"), else ~/.kube/config.
std::vector<std::string> KubeconfigFiles(const char* env, const char* home);

// LoadKubeconfig() for several files. Of entries with one name the first file's wins. It skips
// missing files as long as one is there.
Result<Config> LoadKubeconfigFiles(const std::vector<std::string>& files,
                                   const std::string& context);

}  // namespace slipway::kube
