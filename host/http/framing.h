#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http/server.h"

namespace slipway::http {

// Cuts the bytes of one connection into validated requests.
//
// This class finds the lines and is strict about them; http_parser, which is lax, understands them.
// Both have to agree. After a refusal nothing more is read: what follows could be read differently
// by a proxy in front of us. Confined to its owner; no clock, no I/O.
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
  // After kRequest; starts the next one, so ask the accessors below first.
  Request TakeRequest();

  // Where the unfinished request is; kIdle when no byte of it is there.
  Phase phase() const;
  size_t unparsed() const;  // bytes appended and not looked at yet
  size_t memory() const;    // unparsed plus the unfinished body

  // Of the request returned or refused.
  bool keep_alive() const;
  bool http10() const;
  bool head_only() const;  // HEAD
  int status() const;
  std::string_view reason() const;
  std::string request_id() const;  // "" when not read yet

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::http
