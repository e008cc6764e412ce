// The objects beside the replica set that the operator does not make.
#pragma once
#include "kit.h"
#include "settings.h"
#include "spec.h"

namespace mongodb {

inline constexpr char kPodMonitorApi[] = "monitoring.coreos.com/v1";
inline constexpr char kNetworkPolicyApi[] = "networking.k8s.io/v1";
inline constexpr char kBudgetApi[] = "policy/v1";
inline constexpr char kCertificateApi[] = "cert-manager.io/v1";
inline constexpr char kMetricsPort[] = "prometheus";
inline constexpr int kMongodPort = 27017;
inline constexpr int kMetricsPortNumber = 9216;

// What the operator labels every pod of the instance with, and its Service selects.
Json PodLabels(const Instance& instance);

Json NetworkPolicy(const Instance& instance);
// One member at a time. Not for a single one: it would block every drain of its node.
Json DisruptionBudget(const Instance& instance);
Json PodMonitor(const Instance& instance, const Settings& settings);
Json Certificate(const Instance& instance, const Settings& settings);

}  // namespace mongodb
