// What the pods run as, and the Secrets with the passwords. Every instance has its own: one that
// is deleted takes nothing from another in its namespace.
#pragma once
#include "kit.h"
#include "spec.h"

namespace mongodb {

inline constexpr char kRbacApi[] = "rbac.authorization.k8s.io/v1";

// ServiceAccount, Role and RoleBinding. The agent reads its configuration, writes the version that
// it reached to its pod and deletes the pod for an upgrade.
Json ServiceAccount(const Instance& instance);
Json Role(const Instance& instance);
Json RoleBinding(const Instance& instance);

Json PasswordSecret(const Instance& instance);
// Of the HTTP user of the agent's metrics, with both keys that a PodMonitor needs.
Json MetricsSecret(const Instance& instance);
// Empty: cert-manager fills it. It leaves the Secrets of deleted Certificates behind, but this one
// is in the inventory and goes with the instance.
Json TlsSecret(const Instance& instance);

}  // namespace mongodb
