#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace slipway {

// The classes of failure, by what the caller must do. The engine ABI, the Kubernetes client and the
// API's problem documents share them, so nobody translates a failure twice.
enum class Code {
  kInvalid,          // the request is wrong; `field` says where. Never retry
  kUnauthenticated,  // no or bad credential
  kForbidden,        // known caller, not allowed
  kNotFound,
  kConflict,  // lost a race or the state forbids it; observe again
  kAlreadyExists,
  kGone,            // a cursor, page token or watch window is no longer there
  kPrecondition,    // cannot be done in the observed state; a person or time must change it
  kUnsupported,     // valid, but this engine or version cannot do it
  kNotImplemented,  // a route of the API that is not built
  kExhausted,       // rate limit, quota or size limit
  kUnavailable,     // the other side did not answer or says "later"; retry
  kDeadline,        // ran out of time
  kCancelled,
  kInternal,  // a bug, ours or an engine's
};

const char* CodeName(Code code);

// An expected failure. `reason` is a stable CamelCase word for alerts and tests. `message` is for
// people and may change. `field` is a JSON Pointer into the input.
struct Error {
  Code code = Code::kInternal;
  std::string reason;
  std::string message;
  std::string field = {};
  bool retryable = false;
  int64_t retry_after_ms = 0;  // 0: the caller chooses
  std::string engine = {};     // the engine that gave or caused it, "" mostly

  Error&& At(std::string pointer) && {
    field = std::move(pointer);
    return std::move(*this);
  }

  Error&& Retryable(int64_t after_ms = 0) && {
    retryable = true;
    retry_after_ms = after_ms;
    return std::move(*this);
  }
};

// A value or an Error. Code that dereferences an error has a bug, and an assertion ends it.
template <class T>
class [[nodiscard]] Result {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): `return value;`
  Result(T value) : v_(std::in_place_index<0>, std::move(value)) {}

  // NOLINTNEXTLINE(google-explicit-constructor): `return error;`
  Result(Error error) : v_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const noexcept { return v_.index() == 0; }

  T& operator*() & { return std::get<0>(v_); }

  const T& operator*() const& { return std::get<0>(v_); }

  T&& operator*() && { return std::get<0>(std::move(v_)); }

  T* operator->() { return &**this; }

  const T* operator->() const { return &**this; }

  const Error& error() const& { return std::get<1>(v_); }

  Error&& error() && { return std::get<1>(std::move(v_)); }

 private:
  std::variant<T, Error> v_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;

  // NOLINTNEXTLINE(google-explicit-constructor): `return error;`
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const noexcept { return !error_; }

  const Error& error() const& { return *error_; }

  Error&& error() && { return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

// TRY(auto x, F()): x is F()'s value, or the function returns F()'s error.
#define SLIPWAY_CAT2(a, b) a##b
#define SLIPWAY_CAT(a, b) SLIPWAY_CAT2(a, b)
// NOLINTBEGIN(bugprone-macro-parentheses): `decl` is a declaration
#define TRY(decl, expr)                                                                    \
  auto SLIPWAY_CAT(try_, __LINE__) = (expr);                                               \
  if (!SLIPWAY_CAT(try_, __LINE__)) return std::move(SLIPWAY_CAT(try_, __LINE__)).error(); \
  decl = *std::move(SLIPWAY_CAT(try_, __LINE__))
// NOLINTEND(bugprone-macro-parentheses)
#define TRY_VOID(expr)                                                \
  do {                                                                \
    if (auto try_v = (expr); !try_v) return std::move(try_v).error(); \
  } while (0)

}  // namespace slipway
