#pragma once

// Shared by framing.cc and framing_head.cc only.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <http_parser.h>

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
  // Each reads one piece. False: `event` is what Next() returns.
  bool ReadLines(Event& event);
  bool CheckLine(std::string_view line, Event& event);
  bool ParseHead(Event& event);
  Event HeadError();
  Event CheckRequestLine(std::string_view line);
  bool CheckHeaders(Event& event);
  bool ReadFixedBody(Event& event);
  bool ReadChunkLine(Event& event);
  bool ReadChunkData(Event& event);
  bool ReadChunkEnd(Event& event);
  bool Execute(size_t bytes);

  std::string_view Rest() const { return std::string_view(buffer).substr(pos); }

  static Impl& Of(http_parser* parser) { return *static_cast<Impl*>(parser->data); }

  static int OnUrl(http_parser* parser, const char* data, size_t size);
  static int OnField(http_parser* parser, const char* data, size_t size);
  static int OnValue(http_parser* parser, const char* data, size_t size);
  static int OnHeadersComplete(http_parser* parser);
  static int OnBody(http_parser* parser, const char* data, size_t size);
  static int OnChunkHeader(http_parser* parser);
  static int OnComplete(http_parser* parser);
  static http_parser_settings MakeSettings();

  const Limits& limits;
  const http_parser_settings settings = MakeSettings();
  http_parser parser{};
  std::string buffer;
  size_t pos = 0;         // first byte not given to http_parser
  size_t line_start = 0;  // of the line being read, while in kHead and kTrailer
  size_t scan = 0;        // no '\n' between line_start and here
  size_t lines = 0;
  size_t blank_lines = 0;
  uint64_t remaining = 0;  // of the fixed body or the chunk
  Step step = Step::kHead;
  Request request;
  bool in_trailer = false;
  bool keep_alive = false;
  bool http10 = false;
  bool expect = false;
  bool chunked = false;
  bool complete = false;
  int status = 0;
  std::string_view reason;
};

}  // namespace slipway::http
