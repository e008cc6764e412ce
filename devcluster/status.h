#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.h"

namespace slipway::sim {

// A refusal as the API server writes it: the HTTP code and the fields of a Status.
struct Failure {
  int code = 500;
  std::string reason;
  std::string message;
  Json details;                 // null for none
  int retry_after_s = 0;        // Retry-After header, 0 for none
  std::string plain_text = {};  // when not empty, the answer is this text/plain and no Status

  Json ToStatus() const;
};

// A value or a Failure; it works with TRY like Result.
template <class T>
class [[nodiscard]] Answer {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): `return value;`
  Answer(T value) : v_(std::in_place_index<0>, std::move(value)) {}

  // NOLINTNEXTLINE(google-explicit-constructor): `return failure;`
  Answer(Failure failure) : v_(std::in_place_index<1>, std::move(failure)) {}

  explicit operator bool() const noexcept { return v_.index() == 0; }

  T& operator*() & { return std::get<0>(v_); }

  const T& operator*() const& { return std::get<0>(v_); }

  T&& operator*() && { return std::get<0>(std::move(v_)); }

  T* operator->() { return &std::get<0>(v_); }

  const T* operator->() const { return &std::get<0>(v_); }

  const Failure& error() const& { return std::get<1>(v_); }

  Failure&& error() && { return std::get<1>(std::move(v_)); }

 private:
  std::variant<T, Failure> v_;
};

struct Done {};

// One entry of details.causes; `reason` is FieldValueInvalid, FieldValueRequired, …
struct Cause {
  std::string reason, message, field;
};

// The name of the resource in a message: "clusters.db.example.org", "pods".
std::string QualifiedResource(std::string_view plural, std::string_view group);

// `plural` and `group` name the resource in the details, as in Kubernetes.
struct ResourceName {
  std::string group, plural, kind;
};

Failure NotFound(const ResourceName& resource, const std::string& name);
Failure AlreadyExists(const ResourceName& resource, const std::string& name);
Failure Conflict(const ResourceName& resource, const std::string& name, const std::string& why);
Failure ObjectModified(const ResourceName& resource, const std::string& name);
Failure Forbidden(const ResourceName& resource, const std::string& name, const std::string& why);
// 422 with one cause per problem, in the API server's words.
Failure Invalid(const ResourceName& resource, const std::string& name,
                const std::vector<Cause>& causes);
Failure BadRequest(const std::string& message);
Failure MethodNotAllowed();
// For custom resources the refusal names the resource.
Failure MethodNotAllowed(const ResourceName& resource);
Failure NotAcceptable();
Failure UnsupportedMediaType(const std::string& accepted);
Failure Expired(const std::string& message);
Failure InternalError(const std::string& message);
// The answer to an unknown path.
Failure PageNotFound();

}  // namespace slipway::sim
