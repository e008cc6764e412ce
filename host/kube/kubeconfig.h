#pragma once

#include <string>
#include <vector>

#include "kube/client.h"

namespace slipway::kube {

// The files $KUBECONFIG's value names ("a:b"), else ~/.kube/config.
std::vector<std::string> KubeconfigFiles(const char* env, const char* home);

// LoadKubeconfig() over several files: of entries with one name, the first wins. Missing files are
// passed over as long as one is there.
Result<Config> LoadKubeconfigFiles(const std::vector<std::string>& files,
                                   const std::string& context);

}  // namespace slipway::kube
