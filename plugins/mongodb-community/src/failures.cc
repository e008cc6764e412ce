#include "failures.h"

#include "spec.h"

namespace mongodb {

namespace {

enum class About { kResource, kStatefulSet, kService, kPassword, kMetrics, kTls };

struct Failure {
  std::string_view text;  // of the message
  const char* state;
  const char* reason;
  About about;
};

// The first that is found in a message is meant.
constexpr Failure kFailures[] = {
    {"error validating new Spec", "blocked", "InvalidSpec", About::kResource},
    {"Error ensuring User config", "progressing", "UserSecretUnusable", About::kPassword},
    {"could not configure Prometheus", "progressing", "MetricsSecretUnusable", About::kMetrics},
    {"Error validating TLS config", "progressing", "TlsSecretUnusable", About::kTls},
    {"Error ensuring TLS resources", "progressing", "TlsSecretUnusable", About::kTls},
    {"updates to statefulset spec for fields other than", "blocked", "StatefulSetImmutable",
     About::kStatefulSet},
    {"error creating/updating StatefulSet", "progressing", "StatefulSetRefused",
     About::kStatefulSet},
    {"Error ensuring the service", "progressing", "ServiceRefused", About::kService},
};

constexpr Failure kOtherFailure{"", "progressing", "OperatorFailed", About::kResource};
constexpr Failure kTlsPending{"TLS config is not yet valid", "progressing", "TlsSecretUnusable",
                              About::kTls};

bool Contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// More exactly than the failure's own reason, where the message says it.
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
    case About::kPassword:
      return secret(PasswordSecretName(instance));
    case About::kMetrics:
      return secret(MetricsName(instance));
    case About::kTls:
      return secret(TlsName(instance));
    case About::kService:
      return WaitingFor("Service", instance.ns, ServiceName(instance), failure.reason);
    case About::kStatefulSet: {
      const std::string arbiters = instance.name + std::string(kArbiters);
      return WaitingFor("StatefulSet", instance.ns,
                        Contains(message, "\"" + arbiters + "\"") ? arbiters : instance.name,
                        failure.reason);
    }
    case About::kResource:
      break;
  }
  return WaitingFor("MongoDBCommunity", instance.ns, instance.name, failure.reason);
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
