// Request lines, header lines and trailers.
#include <algorithm>
#include <cstdint>
#include <utility>

#include <boost/beast/http/basic_parser.hpp>

#include "http/framing_impl.h"
#include "http/message.h"
#include "http/uri.h"

namespace slipway::http {
namespace {

namespace beast = boost::beast;

constexpr size_t kMaxBlankLines = 4;      // tolerated before a request line
constexpr size_t kRequestLineExtra = 64;  // method, version and spaces around the target

bool IsDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool IsHostValue(std::string_view host) {
  return host.find_first_not_of(
             "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
             "-._~!$&'()*+,;=:[]%") == host.npos;
}

std::string_view TrimRight(std::string_view text) {
  const size_t last = text.find_last_not_of(" \t");
  return last == text.npos ? std::string_view() : text.substr(0, last + 1);
}

// Lets Beast parse a head. Beast splits the lines and interprets the headers about connection and
// length. Framer reads the bodies.
class HeadReader final : public beast::http::basic_parser<true> {
 public:
  HeadReader(Request& request, const Limits& limits) : request_(request) {
    skip(true);
    header_limit(static_cast<uint32_t>(limits.head_bytes + limits.target_bytes));
  }

  bool http10() const { return http10_; }

 private:
  using Verb = beast::http::verb;
  using Field = beast::http::field;
  using Text = beast::string_view;
  using ErrorCode = beast::error_code;

  void on_request_impl(Verb, Text, Text target, int version, ErrorCode&) override {
    request_.target.assign(target.data(), target.size());
    http10_ = version == 10;
  }

  void on_field_impl(Field, Text name, Text value, ErrorCode&) override {
    auto& [lower, text] = request_.headers.emplace_back();
    lower.assign(name.data(), name.size());
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    text.assign(value.data(), value.size());
  }

  void on_response_impl(int, Text, int, ErrorCode&) override {}

  void on_header_impl(ErrorCode&) override {}

  void on_body_init_impl(const boost::optional<uint64_t>&, ErrorCode&) override {}

  size_t on_body_impl(Text text, ErrorCode&) override { return text.size(); }

  void on_chunk_header_impl(uint64_t, Text, ErrorCode&) override {}

  size_t on_chunk_body_impl(uint64_t, Text text, ErrorCode&) override { return text.size(); }

  void on_finish_impl(ErrorCode&) override {}

  Request& request_;
  bool http10_ = false;
};

// Of two contradicting headers, Beast stops at the second; we already have the first.
std::string_view ReasonOf(const beast::error_code& code, const Request& request) {
  using beast::http::error;
  if (code == error::bad_content_length || code == error::multiple_content_length) {
    return request.Header("transfer-encoding") != nullptr ? "LengthAndTransferEncoding"
                                                          : "BadContentLength";
  }
  if (code == error::bad_transfer_encoding) {
    return request.Header("content-length") != nullptr ? "LengthAndTransferEncoding"
                                                       : "BadTransferEncoding";
  }
  return "BadHeader";
}

}  // namespace

// Reads the lines of a head or trailer. True after the empty line; `scan` is then behind it.
bool Framer::Impl::ReadLines(Event& event) {
  for (;;) {
    const size_t newline = buffer.find('\n', scan);
    const size_t line_end = newline == buffer.npos ? buffer.size() : newline;
    const bool first = !in_trailer && lines == 0;
    if (first && line_end > line_start && buffer[line_start] != '\r' &&
        !IsToken(std::string_view(&buffer[line_start], 1))) {
      return event = Refuse(400, "BadRequestLine"), false;
    }
    if (first && line_end - line_start > limits.target_bytes + kRequestLineExtra) {
      return event = Refuse(414, "TargetTooLong"), false;
    }
    if (line_end - pos > limits.head_bytes) return event = Refuse(431, "HeadTooLarge"), false;
    if (newline == buffer.npos) {
      scan = buffer.size();
      return event = Event::kNeedMore, false;
    }
    scan = newline + 1;
    std::string_view line = std::string_view(buffer).substr(line_start, newline - line_start);
    line_start = scan;
    if (line.empty() || line.back() != '\r') return event = Refuse(400, "BareLineFeed"), false;
    line.remove_suffix(1);
    if (!line.empty()) {
      if (!CheckLine(line, event)) return false;
      continue;
    }
    if (!first) return true;
    if (++blank_lines > kMaxBlankLines) return event = Refuse(400, "BadRequestLine"), false;
    pos = scan;
  }
}

bool Framer::Impl::CheckLine(std::string_view line, Event& event) {
  ++lines;
  if (HasControl(line)) return event = Refuse(400, "ControlCharacter"), false;
  if (!in_trailer && lines == 1) {
    event = CheckRequestLine(line);
    return event != Event::kRefused;
  }
  if (line[0] == ' ' || line[0] == '\t') return event = Refuse(400, "FoldedHeader"), false;
  if (!IsToken(line.substr(0, line.find(':'))) || line.find(':') == line.npos) {
    return event = Refuse(400, "BadHeader"), false;
  }
  if (lines > limits.header_count + (in_trailer ? 0 : 1)) {
    return event = Refuse(431, "TooManyHeaders"), false;
  }
  return true;
}

// method SP target SP "HTTP/" DIGIT "." DIGIT, exactly.
Framer::Event Framer::Impl::CheckRequestLine(std::string_view line) {
  const size_t one = line.find(' ');
  const size_t two = one == line.npos ? one : line.find(' ', one + 1);
  if (two == line.npos) return Refuse(400, "BadRequestLine");
  const std::string_view method = line.substr(0, one);
  const std::string_view target = line.substr(one + 1, two - one - 1);
  const std::string_view version = line.substr(two + 1);
  if (!IsToken(method)) return Refuse(400, "BadMethod");
  if (version.size() != 8 || !version.starts_with("HTTP/") || version[6] != '.' ||
      !IsDigits(version.substr(5, 1)) || !IsDigits(version.substr(7, 1))) {
    return Refuse(400, "BadVersion");
  }
  request.method = method;
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return Refuse(505, "VersionNotSupported");
  if (target.size() > limits.target_bytes) return Refuse(414, "TargetTooLong");
  if (method == "CONNECT" || !ParseTarget(target, request)) return Refuse(400, "BadTarget");
  return Event::kNeedMore;
}

bool Framer::Impl::ParseHead(Event& event) {
  const std::string target = std::exchange(request.target, {});
  HeadReader head(request, limits);
  beast::error_code error;
  const size_t bytes = scan - pos;
  const size_t used = head.put(boost::asio::const_buffer(buffer.data() + pos, bytes), error);
  if (error) return event = Refuse(400, ReasonOf(error, request)), false;
  if (used != bytes || !head.is_header_done() || request.target != target) {
    return event = Refuse(400, "BadHeader"), false;
  }
  keep_alive = head.keep_alive();
  http10 = head.http10();
  remaining = head.content_length().value_or(0);
  if (!CheckHeaders(event)) return false;
  step = chunked || remaining > 0 ? Step::kBodyStart : Step::kDone;
  Consume(bytes);
  return true;
}

bool Framer::Impl::CheckHeaders(Event& event) {
  size_t hosts = 0;
  size_t lengths = 0;
  size_t codings = 0;
  for (auto& [name, value] : request.headers) {
    value = std::string(TrimRight(value));
    if (!ValidUtf8(value)) return event = Refuse(400, "BadHeaderEncoding"), false;
    if (name == "host") {
      if (++hosts > 1 || !IsHostValue(value)) return event = Refuse(400, "BadHost"), false;
    } else if (name == "content-length") {
      if (++lengths > 1 || !IsDigits(value)) return event = Refuse(400, "BadContentLength"), false;
    } else if (name == "transfer-encoding") {
      if (++codings > 1 || http10) return event = Refuse(400, "BadTransferEncoding"), false;
      if (!EqualsIgnoreCase(value, "chunked")) {
        return event = Refuse(501, "TransferCodingNotImplemented"), false;
      }
    } else if (name == "expect" && !http10) {
      if (!EqualsIgnoreCase(value, "100-continue")) {
        return event = Refuse(417, "ExpectationFailed"), false;
      }
      expect = true;
    }
  }
  if (hosts == 0 && !http10) return event = Refuse(400, "MissingHost"), false;
  if (lengths > 0 && codings > 0) return event = Refuse(400, "LengthAndTransferEncoding"), false;
  chunked = codings > 0;
  if (remaining > limits.body_bytes) return event = Refuse(413, "BodyTooLarge"), false;
  return true;
}

}  // namespace slipway::http
