#include "api/page_token.h"

#include "base/crypto.h"
#include "base/json.h"

namespace slipway::api {
namespace {

constexpr int64_t kLifeMs = 24 * 3600 * 1000;
constexpr size_t kMacBytes = 32;

Error Bad(const char* reason, const char* message) {
  return Error{Code::kInvalid, reason, message, "pageToken"};
}

}  // namespace

std::string PageTokens::Make(const PagePosition& position, std::string_view filter,
                             int64_t now_ms) const {
  const std::string payload = Json::Obj({{"c", position.created_ms},
                                         {"i", position.id},
                                         {"f", Sha256Hex(filter).substr(0, 32)},
                                         {"e", now_ms + kLifeMs}})
                                  .Dump();
  return Base64UrlEncode(HmacSha256(key_, payload) + payload);
}

Result<PagePosition> PageTokens::Read(std::string_view token, std::string_view filter,
                                      int64_t now_ms) const {
  auto bytes = Base64UrlDecode(token);
  if (!bytes || bytes->size() <= kMacBytes)
    return Bad("PageTokenInvalid", "this API did not make this pageToken");
  const std::string payload = bytes->substr(kMacBytes);
  if (!ConstantTimeEqual(bytes->substr(0, kMacBytes), HmacSha256(key_, payload))) {
    return Bad("PageTokenInvalid", "this API did not make this pageToken");
  }
  TRY(const Json fields, Json::Parse(payload));
  if (fields["f"].AsString() != Sha256Hex(filter).substr(0, 32)) {
    return Bad("PageTokenMismatch", "pageToken belongs to a list with another filter");
  }
  if (fields["e"].AsInt() <= now_ms) {
    return Error{Code::kGone, "PageTokenExpired", "the page token has expired; start over"};
  }
  return PagePosition{fields["c"].AsInt(), fields["i"].AsString()};
}

}  // namespace slipway::api
