// slipway/engine.hpp - the C++ face of the engine ABI. Header-only; compiled into
// the plugin, so nothing here is part of the ABI.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "slipway/engine.h"

namespace slipway {

inline slipway_bytes bytes(std::string_view s) {
  return {s.data(), s.size()};
}

inline std::string_view view(slipway_bytes b) {
  return {b.data, static_cast<size_t>(b.size)};
}

// A failure with its ABI code. Thrown inside an engine, never across the boundary.
struct Error : std::exception {
  int32_t code;
  std::string reason;   // stable CamelCase word
  std::string message;  // for a person
  std::string field;    // JSON Pointer into the input
  bool retryable = false;
  int64_t retry_after_ms = 0;

  Error(int32_t c, std::string r, std::string m, std::string f = {})
      : code(c), reason(std::move(r)), message(std::move(m)), field(std::move(f)) {}

  const char* what() const noexcept override { return message.c_str(); }
};

// The host during one call. Confined to the calling thread; dead when the call returns.
class Call {
 public:
  explicit Call(const slipway_call* c) : c_(c) {}

  // Appends to the result document. Throws EXHAUSTED when the host takes no more.
  void write(std::string_view s) {
    if (c_->write(c_, bytes(s)) != SLIPWAY_OK) {
      throw Error(SLIPWAY_EXHAUSTED, "ResultTooLarge", "the result is over the host's limit");
    }
  }

  // Records a failure and goes on; the call then fails with the first one recorded.
  // validate() uses it to report every mistake at once.
  void fail(const Error& e) {
    const int32_t code =
        report(e.code, e.reason, e.message, e.field, e.retryable, e.retry_after_ms);
    if (failed_ == SLIPWAY_OK) failed_ = code;
  }

  // The code of the first recorded failure, or SLIPWAY_OK.
  int32_t failed() const { return failed_; }

  // `fields` is a JSON object or empty. The host adds engine and call.
  void log(int level, std::string_view message, std::string_view fields = {}) {
    c_->log(c_, level, bytes(message), bytes(fields));
  }

  bool cancelled() const { return c_->cancelled(c_) != 0; }

  int64_t now_ms() const { return c_->now_ms; }

  int64_t deadline_ms() const { return c_->deadline_ms; }

  std::string_view trace_id() const { return view(c_->trace_id); }

  int32_t report(int32_t code, std::string_view reason, std::string_view message,
                 std::string_view field, bool retryable, int64_t retry_after_ms) {
    slipway_failure f{};
    f.struct_size = sizeof f;
    f.code = code;
    f.flags = retryable ? SLIPWAY_RETRYABLE : 0u;
    f.retry_after_ms = retry_after_ms;
    f.reason = bytes(reason);
    f.message = bytes(message);
    f.field = bytes(field);
    return c_->fail(c_, &f);
  }

 private:
  const slipway_call* c_;
  int32_t failed_ = SLIPWAY_OK;
};

// What an engine implements; its constructor takes the settings as JSON text. All functions are
// pure and run on any thread, concurrently.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual void describe(Call&) const = 0;
  virtual void validate(Call&, std::string_view request) const = 0;
  virtual void plan(Call&, std::string_view input) const = 0;
  virtual void step(Call&, std::string_view input) const = 0;
};

namespace detail {

// The one place where exceptions stop.
template <class F>
int32_t guard(const slipway_call* c, F&& body) noexcept {
  Call call(c);
  try {
    body(call);
    return call.failed();
  } catch (const Error& e) {
    return call.report(e.code, e.reason, e.message, e.field, e.retryable, e.retry_after_ms);
  } catch (const std::bad_alloc&) {
    return call.report(SLIPWAY_EXHAUSTED, "OutOfMemory", "out of memory", {}, true, 0);
  } catch (const std::exception& e) {
    return call.report(SLIPWAY_INTERNAL, "Exception", e.what(), {}, false, 0);
  } catch (...) {
    return call.report(SLIPWAY_INTERNAL, "UnknownException", "not a std::exception", {}, false, 0);
  }
}

inline const Engine& self(const slipway_engine* e) {
  return *reinterpret_cast<const Engine*>(e);
}

// By assignment: a slot appended to the table must not warn in every engine.
template <class E>
constexpr slipway_engine_api make_api() {
  slipway_engine_api t{};
  t.struct_size = sizeof t;
  t.abi_major = SLIPWAY_ABI_MAJOR;
  t.abi_minor = SLIPWAY_ABI_MINOR;
  t.open = [](const slipway_call* c, slipway_bytes config, slipway_engine** out) -> int32_t {
    return guard(c, [&](Call&) {
      Engine* engine = new E(view(config));
      *out = reinterpret_cast<slipway_engine*>(engine);
    });
  };
  t.close = [](slipway_engine* e) { delete reinterpret_cast<Engine*>(e); };
  t.describe = [](const slipway_engine* e, const slipway_call* c) -> int32_t {
    return guard(c, [&](Call& call) { self(e).describe(call); });
  };
  t.validate = [](const slipway_engine* e, const slipway_call* c, slipway_bytes in) -> int32_t {
    return guard(c, [&](Call& call) { self(e).validate(call, view(in)); });
  };
  t.plan = [](const slipway_engine* e, const slipway_call* c, slipway_bytes in) -> int32_t {
    return guard(c, [&](Call& call) { self(e).plan(call, view(in)); });
  };
  t.step = [](const slipway_engine* e, const slipway_call* c, slipway_bytes in) -> int32_t {
    return guard(c, [&](Call& call) { self(e).step(call, view(in)); });
  };
  return t;
}

template <class E>
inline constexpr slipway_engine_api api = make_api<E>();

}  // namespace detail
}  // namespace slipway

// Once per plugin, at namespace scope: the entry symbol and the note. Name and version come from
// slipway_add_engine() as SLIPWAY_ENGINE_NAME and SLIPWAY_ENGINE_VERSION.
#define SLIPWAY_ENGINE(Type, name, version)                                         \
  SLIPWAY_NOTE(name, version);                                                      \
  extern "C" SLIPWAY_EXPORT const slipway_engine_api* slipway_engine_v1(uint16_t) { \
    return &slipway::detail::api<Type>;                                             \
  }
