#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http/server.h"

namespace slipway::http {

// Cuts the bytes of one connection into validated requests.
//
// This class finds the lines strictly, and Boost.Beast parses those of the head; both must agree.
// This class reads the bodies. It reads nothing after a refusal: a proxy in front of us could read
// the following bytes differently. Confined to its owner; no clock, no I/O.
class Framer {
 public:
  enum class Event {
    kNeedMore,
    kContinue,  // the client waits for "100 Continue"; call Next() again after sending it
    kRequest,   // TakeRequest()
    kRefused,   // status() and reason(); final
  };
  enum class Phase { kIdle, kHead, kBody };

  explicit Framer(const Limits& limits);
  ~Framer();
  Framer(const Framer&) = delete;
  Framer& operator=(const Framer&) = delete;

  void Append(std::string_view bytes);
  Event Next();
  // Call it after kRequest. It starts the next request, so call the accessors below first.
  Request TakeRequest();

  // The phase of the unfinished request; kIdle before its first byte.
  Phase phase() const;
  size_t unparsed() const;  // bytes appended but not yet parsed
  size_t memory() const;    // unparsed plus the unfinished body

  // About the request that was returned or refused.
  bool keep_alive() const;
  bool http10() const;
  bool head_only() const;  // HEAD
  int status() const;
  std::string_view reason() const;
  std::string request_id() const;  // "" before it is read

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::http
