#include "http/message.h"

#include <array>
#include <chrono>
#include <cstdio>

#include <boost/beast/http/status.hpp>

namespace slipway::http {
namespace {

constexpr std::array<bool, 256> MakeTokenTable() {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
    table[static_cast<uint8_t>(c)] = true;
  }
  return table;
}

constexpr std::array<bool, 256> kToken = MakeTokenTable();

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

const std::string* First(const Pairs& pairs, std::string_view name) {
  for (const auto& [key, value] : pairs) {
    if (key == name) return &value;
  }
  return nullptr;
}

void AppendValue(std::string& out, std::string_view value) {
  for (const char c : value) {
    const auto byte = static_cast<uint8_t>(c);
    out.push_back(byte < 0x20 || byte == 0x7F ? ' ' : c);
  }
}

bool ServerOwned(std::string_view name) {
  return EqualsIgnoreCase(name, "content-length") || EqualsIgnoreCase(name, "transfer-encoding") ||
         EqualsIgnoreCase(name, "connection") || EqualsIgnoreCase(name, "date") ||
         EqualsIgnoreCase(name, "keep-alive");
}

// "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", without locale and without the C library's lock.
void AppendDate(std::string& out, int64_t now_ms) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_seconds time{std::chrono::seconds(now_ms / 1000)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  char text[64];
  const int size = std::snprintf(
      text, sizeof text, "Date: %s, %02u %s %04d %02d:%02d:%02d GMT\r\n",
      kDays[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
      kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()));
  out.append(text, static_cast<size_t>(size));
}

}  // namespace

const std::string* Request::Header(std::string_view lower_case_name) const {
  return First(headers, lower_case_name);
}

const std::string* Request::Query(std::string_view name) const {
  return First(query, name);
}

const char* StatusText(int status) {
  // Beast returns a view of a literal.
  return boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status))
      .data();
}

bool IsToken(std::string_view text) {
  for (const char c : text) {
    if (!kToken[static_cast<uint8_t>(c)]) return false;
  }
  return !text.empty();
}

bool EqualsIgnoreCase(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (Lower(text[i]) != lower[i]) return false;
  }
  return true;
}

bool StatusHasBody(int status) {
  return status >= 200 && status != 204 && status != 304;
}

std::string WriteHead(int status, std::string_view content_type, const Pairs& headers,
                      const HeadOptions& options) {
  std::string out;
  out.reserve(256);
  out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
  out.append(StatusText(status)).append("\r\n");
  AppendDate(out, options.now_ms);
  if (!content_type.empty()) {
    out.append("Content-Type: ");
    AppendValue(out, content_type);
    out.append("\r\n");
  }
  for (const auto& [name, value] : headers) {
    if (!IsToken(name) || ServerOwned(name)) continue;
    out.append(name).append(": ");
    AppendValue(out, value);
    out.append("\r\n");
  }
  if (options.content_length) {
    out.append("Content-Length: ").append(std::to_string(*options.content_length)).append("\r\n");
  }
  if (options.chunked) out.append("Transfer-Encoding: chunked\r\n");
  if (!options.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (options.http10) {
    out.append("Connection: keep-alive\r\n");
  }
  return out.append("\r\n");
}

}  // namespace slipway::http
