// The rights of the pods, and the Secrets with the passwords. Every instance has its own, so that a
// delete takes nothing from another instance of the namespace.
#pragma once
#include "kit.h"
#include "spec.h"

namespace mongodb {

// ServiceAccount, Role and RoleBinding. The agent reads its configuration, writes the version that
// it has reached to its pod, and deletes the pod for an upgrade.
Json PodAccess(const Instance& instance);

Json PasswordSecret(const Instance& instance);
// For the HTTP user of the agent's metrics; has both keys that a PodMonitor needs.
Json MetricsSecret(const Instance& instance);
// Empty: cert-manager fills it. cert-manager leaves the Secrets of deleted Certificates behind, but
// this one is in the inventory and goes with the instance.
Json TlsSecret(const Instance& instance);

}  // namespace mongodb
