#include "http/framing.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "http/framing_impl.h"

namespace slipway::http {
namespace {

constexpr size_t kMaxChunkLine = 256;  // size and extensions of one chunk
constexpr size_t kCompactInput = 16 * 1024;

// "4", "4;name=value". A limit on the digits prevents overflow.
bool ReadChunkSize(std::string_view line, uint64_t& out) {
  const size_t digits = std::min(line.find_first_not_of("0123456789abcdefABCDEF"), line.size());
  if (digits == 0 || digits > 8 || HasControl(line)) return false;
  std::from_chars(line.data(), line.data() + digits, out, 16);
  return digits == line.size() || line[digits] == ';';
}

}  // namespace

void Framer::Impl::Reset() {
  if (pos == buffer.size()) {
    buffer.clear();
    if (buffer.capacity() > 4 * kCompactInput) buffer.shrink_to_fit();
    pos = 0;
  } else if (pos > kCompactInput) {
    buffer.erase(0, pos);
    pos = 0;
  }
  line_start = scan = pos;
  lines = blank_lines = 0;
  remaining = 0;
  step = Step::kHead;
  request = Request();
  in_trailer = keep_alive = http10 = expect = chunked = false;
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
        Consume(scan - pos);
        step = Step::kDone;
        break;
      case Step::kDone:
        return Event::kRequest;
      case Step::kRefused:
        return Event::kRefused;
    }
  }
}

bool Framer::Impl::ReadFixedBody(Event& event) {
  const size_t bytes = static_cast<size_t>(std::min<uint64_t>(remaining, Rest().size()));
  ConsumeBody(bytes);
  if (remaining > 0) return event = Event::kNeedMore, false;
  step = Step::kDone;
  return true;
}

bool Framer::Impl::ReadChunkLine(Event& event) {
  const std::string_view rest = Rest();
  const size_t newline = rest.find('\n');
  if (std::min(newline, rest.size()) > kMaxChunkLine) return event = Refuse(400, "BadChunk"), false;
  if (newline == rest.npos) return event = Event::kNeedMore, false;
  if (newline == 0 || rest[newline - 1] != '\r' ||
      !ReadChunkSize(rest.substr(0, newline - 1), remaining)) {
    return event = Refuse(400, "BadChunk"), false;
  }
  Consume(newline + 1);
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
  ConsumeBody(bytes);
  if (remaining > 0) return event = Event::kNeedMore, false;
  step = Step::kChunkEnd;
  return true;
}

bool Framer::Impl::ReadChunkEnd(Event& event) {
  const std::string_view end = Rest().substr(0, 2);
  if (!std::string_view("\r\n").starts_with(end)) return event = Refuse(400, "BadChunk"), false;
  if (end.size() < 2) return event = Event::kNeedMore, false;
  Consume(2);
  step = Step::kChunkLine;
  return true;
}

void Framer::Impl::Consume(size_t bytes) {
  pos += bytes;
  if (pos == buffer.size() && step != Step::kHead && step != Step::kTrailer) {
    buffer.clear();  // the buffer stays short even for a long body
    pos = 0;
  }
}

void Framer::Impl::ConsumeBody(size_t bytes) {
  request.body.append(Rest().substr(0, bytes));
  remaining -= bytes;
  Consume(bytes);
}

Framer::Framer(const Limits& limits) : impl_(std::make_unique<Impl>(limits)) {}

Framer::~Framer() = default;

void Framer::Append(std::string_view bytes) {
  Impl& self = *impl_;
  if (self.step == Impl::Step::kRefused) return;
  if (self.pos >= kCompactInput) {
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
