#include "failures.h"

#include "replica_set.h"
#include "spec.h"

namespace mongodb {

namespace {

enum class Subject { kResource, kStatefulSet, kService, kPassword, kMetrics, kTls };

struct Failure {
  std::string_view text;  // a part of the message
  VerdictState state;
  const char* reason;
  Subject about;
};

using enum VerdictState;

// The first one whose text is in the message applies.
constexpr Failure kFailures[] = {
    {"error validating new Spec", kBlocked, "InvalidSpec", Subject::kResource},
    {"Error ensuring User config", kProgressing, "UserSecretUnusable", Subject::kPassword},
    {"could not configure Prometheus", kProgressing, "MetricsSecretUnusable", Subject::kMetrics},
    {"Error validating TLS config", kProgressing, "TlsSecretUnusable", Subject::kTls},
    {"Error ensuring TLS resources", kProgressing, "TlsSecretUnusable", Subject::kTls},
    {"updates to statefulset spec for fields other than", kBlocked, "StatefulSetImmutable",
     Subject::kStatefulSet},
    {"error creating/updating StatefulSet", kProgressing, "StatefulSetRefused",
     Subject::kStatefulSet},
    {"Error ensuring the service", kProgressing, "ServiceRefused", Subject::kService},
};

constexpr Failure kOtherFailure{"", kProgressing, "OperatorFailed", Subject::kResource};
constexpr Failure kTlsPending{"TLS config is not yet valid", kProgressing, "TlsSecretUnusable",
                              Subject::kTls};

bool Contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// A more exact reason than the failure's own, if the message gives one.
std::string SecretReason(const std::string& message, const Failure& failure) {
  if (Contains(message, "not present in the Secret")) return "SecretKeyMissing";
  if (Contains(message, "not found")) return "SecretNotFound";
  return failure.reason;
}

Json Subject(const Instance& instance, const Failure& failure, const std::string& message) {
  const auto secret = [&](const std::string& name) {
    return WaitingFor("Secret", instance.ns, name, SecretReason(message, failure));
  };
  switch (failure.about) {
    case Subject::kPassword:
      return secret(PasswordSecretName(instance));
    case Subject::kMetrics:
      return secret(MetricsName(instance));
    case Subject::kTls:
      return secret(TlsName(instance));
    case Subject::kService:
      return WaitingFor("Service", instance.ns, ServiceName(instance), failure.reason);
    case Subject::kStatefulSet: {
      const std::string arbiters = instance.name + std::string(kArbiters);
      return WaitingFor("StatefulSet", instance.ns,
                        Contains(message, "\"" + arbiters + "\"") ? arbiters : instance.name,
                        failure.reason);
    }
    case Subject::kResource:
      break;
  }
  return kReplicaSet.Waiting(instance, failure.reason);
}

}  // namespace

std::optional<Judgement> ToldFailure(const Instance& instance, const Json& resource, int percent) {
  const std::string& message = resource.At("status/message").AsString();
  const std::string& phase = resource.At("status/phase").AsString();
  const auto judge = [&](const Failure& failure) {
    return Judgement{failure.state, failure.reason, message, percent,
                     Subject(instance, failure, message)};
  };
  if (phase == "Pending" && Contains(message, kTlsPending.text)) return judge(kTlsPending);
  // A failure without a message is a conflict of two writes: it passes with the next look.
  if (phase != "Failed" || message.empty()) return std::nullopt;
  for (const Failure& failure : kFailures) {
    if (Contains(message, failure.text)) return judge(failure);
  }
  return judge(kOtherFailure);
}

}  // namespace mongodb
