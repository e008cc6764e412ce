// The objects beside the replica set that the operator does not make.
#pragma once
#include "kit.h"
#include "settings.h"
#include "spec.h"

namespace mongodb {

inline constexpr char kCertificateApi[] = "cert-manager.io/v1";
inline constexpr char kCertificateKind[] = "cert-manager.io/v1/Certificate";  // as in `applies`
inline constexpr char kMetricsPort[] = "prometheus";
inline constexpr int kMongodPort = 27017;
inline constexpr int kMetricsPortNumber = 9216;

// The labels that the operator gives to every pod of the instance; its Service selects them.
Json PodLabels(const Instance& instance);

Json NetworkPolicy(const Instance& instance);
// Not for a single member.
Json DisruptionBudget(const Instance& instance);
Json PodMonitor(const Instance& instance, const Settings& settings);
Json Certificate(const Instance& instance, const Settings& settings);

}  // namespace mongodb
