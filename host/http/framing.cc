#include "http/framing.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <http_parser.h>

#include "http/message.h"
#include "http/uri.h"

namespace slipway::http {
namespace {

constexpr size_t kMaxChunkLine = 256;     // size and extensions of one chunk
constexpr size_t kMaxBlankLines = 4;      // tolerated before a request line
constexpr size_t kRequestLineExtra = 64;  // method, version and spaces around the target
constexpr size_t kCompactBytes = 16 * 1024;

bool IsDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool HasControl(std::string_view line) {
  return std::any_of(line.begin(), line.end(), [](char c) {
    const auto byte = static_cast<uint8_t>(c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7F;
  });
}

// "4", "4;name=value". Digits are limited so that the number cannot overflow.
bool IsChunkLine(std::string_view line) {
  const size_t digits = std::min(line.find_first_not_of("0123456789abcdefABCDEF"), line.size());
  if (digits == 0 || digits > 8 || HasControl(line)) return false;
  return digits == line.size() || line[digits] == ';';
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

}  // namespace

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

void Framer::Impl::Reset() {
  http_parser_init(&parser, HTTP_REQUEST);
  parser.data = this;
  if (pos == buffer.size()) {
    buffer.clear();
    if (buffer.capacity() > 4 * kCompactBytes) buffer.shrink_to_fit();
    pos = 0;
  } else if (pos > kCompactBytes) {
    buffer.erase(0, pos);
    pos = 0;
  }
  line_start = scan = pos;
  lines = blank_lines = 0;
  remaining = 0;
  step = Step::kHead;
  request = Request();
  in_trailer = keep_alive = http10 = expect = chunked = complete = false;
}

Framer::Event Framer::Impl::Refuse(int code, std::string_view why) {
  step = Step::kRefused;
  status = code;
  reason = why;
  buffer = std::string();
  pos = 0;
  request.body = std::string();
  return Event::kRefused;
}

Framer::Event Framer::Impl::Next() {
  Event event = Event::kNeedMore;
  for (;;) {
    switch (step) {
      case Step::kHead:
        if (!ReadLines(event) || !ParseHead(event)) return event;
        break;
      case Step::kBodyStart:
        step = chunked ? Step::kChunkLine : Step::kFixedBody;
        if (expect && Rest().empty()) return Event::kContinue;
        break;
      case Step::kFixedBody:
        if (!ReadFixedBody(event)) return event;
        break;
      case Step::kChunkLine:
        if (!ReadChunkLine(event)) return event;
        break;
      case Step::kChunkData:
        if (!ReadChunkData(event)) return event;
        break;
      case Step::kChunkEnd:
        if (!ReadChunkEnd(event)) return event;
        break;
      case Step::kTrailer:
        if (!ReadLines(event)) return event;
        if (!Execute(scan - pos) || !complete) return Refuse(400, "BadTrailer");
        step = Step::kDone;
        break;
      case Step::kDone:
        return complete ? Event::kRequest : Refuse(400, "BadFraming");
      case Step::kRefused:
        return Event::kRefused;
    }
  }
}

// Head or trailer: goes from line to line, true when the empty one has been seen, `scan` behind it.
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
  const std::string target = std::move(request.target);
  request.target.clear();
  if (!Execute(scan - pos)) return event = HeadError(), false;
  if (request.target != target) return event = Refuse(400, "BadTarget"), false;
  http10 = parser.http_minor == 0;
  if (!CheckHeaders(event)) return false;
  step = complete ? Step::kDone : Step::kBodyStart;
  return true;
}

Framer::Event Framer::Impl::HeadError() {
  switch (HTTP_PARSER_ERRNO(&parser)) {
    case HPE_INVALID_METHOD:
      return Refuse(501, "MethodNotImplemented");
    case HPE_INVALID_TRANSFER_ENCODING:
      return Refuse(501, "TransferCodingNotImplemented");
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_CONTENT_LENGTH:
      return Refuse(400, "BadContentLength");
    case HPE_HEADER_OVERFLOW:
      return Refuse(431, "HeadTooLarge");
    default:
      return Refuse(400, "BadHeader");
  }
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
  if (!chunked && lengths > 0) {
    if (parser.content_length > limits.body_bytes && !complete) {
      return event = Refuse(413, "BodyTooLarge"), false;
    }
    remaining = complete ? 0 : parser.content_length;
  }
  return true;
}

bool Framer::Impl::ReadFixedBody(Event& event) {
  const size_t bytes = static_cast<size_t>(std::min<uint64_t>(remaining, Rest().size()));
  if (bytes > 0 && !Execute(bytes)) return event = Refuse(400, "BadFraming"), false;
  remaining -= bytes;
  if (remaining > 0) return event = Event::kNeedMore, false;
  step = Step::kDone;
  return true;
}

bool Framer::Impl::ReadChunkLine(Event& event) {
  const std::string_view rest = Rest();
  const size_t newline = rest.find('\n');
  if (std::min(newline, rest.size()) > kMaxChunkLine) return event = Refuse(400, "BadChunk"), false;
  if (newline == rest.npos) return event = Event::kNeedMore, false;
  if (newline == 0 || rest[newline - 1] != '\r' || !IsChunkLine(rest.substr(0, newline - 1)) ||
      !Execute(newline + 1)) {
    return event = Refuse(400, "BadChunk"), false;
  }
  if (remaining > limits.body_bytes - request.body.size()) {
    return event = Refuse(413, "BodyTooLarge"), false;
  }
  step = Step::kChunkData;
  if (remaining == 0) {
    step = Step::kTrailer;
    in_trailer = true;
    lines = 0;
    line_start = scan = pos;
  }
  return true;
}

bool Framer::Impl::ReadChunkData(Event& event) {
  const size_t bytes = static_cast<size_t>(std::min<uint64_t>(remaining, Rest().size()));
  if (bytes > 0 && !Execute(bytes)) return event = Refuse(400, "BadChunk"), false;
  remaining -= bytes;
  if (remaining > 0) return event = Event::kNeedMore, false;
  step = Step::kChunkEnd;
  return true;
}

bool Framer::Impl::ReadChunkEnd(Event& event) {
  const std::string_view end = Rest().substr(0, 2);
  if (!std::string_view("\r\n").starts_with(end)) return event = Refuse(400, "BadChunk"), false;
  if (end.size() < 2) return event = Event::kNeedMore, false;
  if (!Execute(2)) return event = Refuse(400, "BadChunk"), false;
  step = Step::kChunkLine;
  return true;
}

bool Framer::Impl::Execute(size_t bytes) {
  const size_t used = http_parser_execute(&parser, &settings, buffer.data() + pos, bytes);
  pos += bytes;
  if (pos == buffer.size() && step != Step::kHead && step != Step::kTrailer) {
    buffer.clear();  // a long body passes through a short buffer
    pos = 0;
  }
  return used == bytes && HTTP_PARSER_ERRNO(&parser) == HPE_OK;
}

int Framer::Impl::OnUrl(http_parser* parser, const char* data, size_t size) {
  Of(parser).request.target.append(data, size);
  return 0;
}

int Framer::Impl::OnField(http_parser* parser, const char* data, size_t size) {
  Impl& self = Of(parser);
  if (self.in_trailer) return 0;
  auto& name = self.request.headers.emplace_back().first;
  name.assign(data, size);
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return 0;
}

int Framer::Impl::OnValue(http_parser* parser, const char* data, size_t size) {
  Impl& self = Of(parser);
  if (!self.in_trailer && !self.request.headers.empty()) {
    self.request.headers.back().second.append(data, size);
  }
  return 0;
}

int Framer::Impl::OnHeadersComplete(http_parser* parser) {
  Impl& self = Of(parser);
  self.keep_alive = http_should_keep_alive(parser) != 0;
  parser->upgrade = 0;  // never switched: the body, if any, is a body
  return 0;
}

int Framer::Impl::OnBody(http_parser* parser, const char* data, size_t size) {
  Of(parser).request.body.append(data, size);
  return 0;
}

int Framer::Impl::OnChunkHeader(http_parser* parser) {
  Of(parser).remaining = parser->content_length;
  return 0;
}

int Framer::Impl::OnComplete(http_parser* parser) {
  Of(parser).complete = true;
  return 0;
}

http_parser_settings Framer::Impl::MakeSettings() {
  http_parser_settings settings;
  http_parser_settings_init(&settings);
  settings.on_url = OnUrl;
  settings.on_header_field = OnField;
  settings.on_header_value = OnValue;
  settings.on_headers_complete = OnHeadersComplete;
  settings.on_body = OnBody;
  settings.on_chunk_header = OnChunkHeader;
  settings.on_message_complete = OnComplete;
  return settings;
}

Framer::Framer(const Limits& limits) : impl_(std::make_unique<Impl>(limits)) {}

Framer::~Framer() = default;

void Framer::Append(std::string_view bytes) {
  Impl& self = *impl_;
  if (self.step == Impl::Step::kRefused) return;
  if (self.pos >= kCompactBytes) {
    self.buffer.erase(0, self.pos);
    self.line_start -= std::min(self.line_start, self.pos);
    self.scan -= std::min(self.scan, self.pos);
    self.pos = 0;
  }
  self.buffer.append(bytes);
}

Framer::Event Framer::Next() {
  return impl_->Next();
}

Request Framer::TakeRequest() {
  Request request = std::move(impl_->request);
  impl_->Reset();
  return request;
}

Framer::Phase Framer::phase() const {
  if (impl_->step != Impl::Step::kHead) return Phase::kBody;
  return unparsed() > 0 ? Phase::kHead : Phase::kIdle;
}

size_t Framer::unparsed() const {
  return impl_->buffer.size() - impl_->pos;
}

size_t Framer::memory() const {
  return unparsed() + impl_->request.body.size();
}

bool Framer::keep_alive() const {
  return impl_->keep_alive;
}

bool Framer::http10() const {
  return impl_->http10;
}

bool Framer::head_only() const {
  return impl_->request.method == "HEAD";
}

int Framer::status() const {
  return impl_->status;
}

std::string_view Framer::reason() const {
  return impl_->reason;
}

std::string Framer::request_id() const {
  const std::string* id = impl_->request.Header("x-request-id");
  return id ? *id : std::string();
}

}  // namespace slipway::http
