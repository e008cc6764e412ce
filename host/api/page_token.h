#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::api {

// The next page of a list starts strictly after this row in (created desc, id desc).
struct PagePosition {
  int64_t created_ms = 0;
  std::string id;
};

// Opaque page tokens, authenticated and bound to their filter. They grant no access: every page
// checks the caller again. Immutable, any thread.
class PageTokens {
 public:
  explicit PageTokens(std::string key) : key_(std::move(key)) {}

  std::string Make(const PagePosition& position, std::string_view filter, int64_t now_ms) const;
  // kInvalid "PageTokenInvalid", or "PageTokenMismatch" with another filter; kGone
  // "PageTokenExpired" after a day.
  Result<PagePosition> Read(std::string_view token, std::string_view filter, int64_t now_ms) const;

 private:
  std::string key_;
};

}  // namespace slipway::api
