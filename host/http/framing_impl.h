#pragma once

// Only framing.cc and framing_head.cc include this file.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/framing.h"

namespace slipway::http {

inline bool HasControl(std::string_view line) {
  return std::any_of(line.begin(), line.end(), [](char c) {
    const auto byte = static_cast<uint8_t>(c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7F;
  });
}

struct Framer::Impl {
  enum class Step {
    kHead,
    kBodyStart,
    kFixedBody,
    kChunkLine,
    kChunkData,
    kChunkEnd,
    kTrailer,
    kDone,
    kRefused
  };

  explicit Impl(const Limits& limits_in) : limits(limits_in) { Reset(); }

  void Reset();
  Event Next();
  Event Refuse(int code, std::string_view why);
  // Each function reads one piece. False: Next() returns `event`.
  bool ReadLines(Event& event);
  bool CheckLine(std::string_view line, Event& event);
  bool ParseHead(Event& event);
  Event CheckRequestLine(std::string_view line);
  bool CheckHeaders(Event& event);
  bool ReadFixedBody(Event& event);
  bool ReadChunkLine(Event& event);
  bool ReadChunkData(Event& event);
  bool ReadChunkEnd(Event& event);
  void Consume(size_t bytes);      // skips them
  void ConsumeBody(size_t bytes);  // moves them into the request's body

  std::string_view Rest() const { return std::string_view(buffer).substr(pos); }

  const Limits& limits;
  std::string buffer;
  size_t pos = 0;         // first byte not consumed
  size_t line_start = 0;  // of the current line, in kHead and kTrailer
  size_t scan = 0;        // no '\n' between line_start and here
  size_t lines = 0;
  size_t blank_lines = 0;
  uint64_t remaining = 0;  // bytes left of the fixed body or the chunk
  Step step = Step::kHead;
  Request request;
  bool in_trailer = false;
  bool keep_alive = false;
  bool http10 = false;
  bool expect = false;
  bool chunked = false;
  int status = 0;
  std::string_view reason;
};

}  // namespace slipway::http
