#include "api/request.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/crypto.h"

namespace slipway::api {
namespace {

Error Malformed(std::string message) {
  return Error{Code::kInvalid, "Malformed", std::move(message)};
}

bool ParseInt(std::string_view text, int64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

std::string Join(const std::vector<std::string>& values) {
  std::string out;
  for (const auto& value : values) out.append(out.empty() ? "" : ", ").append(value);
  return out;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

// Entity tags hold no comma here: ours are letters, digits and '-'.
std::vector<std::string_view> Tags(std::string_view header) {
  std::vector<std::string_view> out;
  while (!header.empty()) {
    const size_t comma = header.find(',');
    out.push_back(Trim(header.substr(0, comma)));
    header.remove_prefix(comma == std::string_view::npos ? header.size() : comma + 1);
  }
  return out;
}

}  // namespace

bool IsRequestId(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

bool IsIdempotencyKey(std::string_view text) {
  return !text.empty() && text.size() <= 255 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

Result<void> CheckQuery(const Route& route, const http::Request& request) {
  std::set<std::string> seen;
  for (const auto& [name, value] : request.query) {
    const auto known =
        std::find_if(route.query.begin(), route.query.end(),
                     [&name = name](const QueryParameter& p) { return p.name == name; });
    if (known == route.query.end()) {
      return Error{Code::kInvalid, "UnknownParameter",
                   "unknown query parameter " + Json::Quote(name)};
    }
    if (!seen.insert(name).second) return Malformed("query parameter " + name + " is given twice");
    int64_t number = 0;
    if (known->type == "integer" && (!ParseInt(value, number) || number < 0)) {
      return Malformed("query parameter " + name + " must be a whole number");
    }
    if (known->type == "boolean" && value != "true" && value != "false")
      return Malformed("query parameter " + name + " must be true or false");
    const auto& values = known->values;
    if (!values.empty() && std::find(values.begin(), values.end(), value) == values.end()) {
      return Malformed("query parameter " + name + " must be one of " + Join(values));
    }
  }
  return {};
}

int64_t QueryInt(const http::Request& request, std::string_view name, int64_t fallback) {
  const std::string* text = request.Query(name);
  int64_t out = 0;
  return text != nullptr && ParseInt(*text, out) ? out : fallback;
}

bool HasContentType(const http::Request& request, std::string_view type) {
  const std::string* header = request.Header("content-type");
  if (header == nullptr) return false;
  const std::string text = Lower(*header);
  const size_t semicolon = text.find(';');
  if (Trim(std::string_view(text).substr(0, semicolon)) != type) return false;
  if (semicolon == std::string::npos) return true;
  const std::string_view parameter = Trim(std::string_view(text).substr(semicolon + 1));
  return parameter == "charset=utf-8" || parameter == "charset=\"utf-8\"" || parameter.empty();
}

Result<Json> ParseBody(const http::Request& request) {
  Json::Limits limits;
  limits.depth = 32;
  return Json::Parse(request.body, limits);
}

std::string Canonical(const Json& value) {
  if (value.is_object()) {
    Json::Object members = value.members();
    members.sort([](const auto& a, const auto& b) { return a.first < b.first; });
    std::string out = "{";
    for (const auto& [name, member] : members) {
      if (out.size() > 1) out += ',';
      out.append(Json::Quote(name)).append(":").append(Canonical(member));
    }
    return out + "}";
  }
  if (value.is_array()) {
    std::string out = "[";
    for (const Json& item : value.items()) {
      if (out.size() > 1) out += ',';
      out += Canonical(item);
    }
    return out + "]";
  }
  return value.Dump();
}

std::string MakeEtag(int64_t generation, std::string_view representation) {
  return "\"g" + std::to_string(generation) + "-" + Sha256Hex(representation).substr(0, 16) + "\"";
}

bool IfMatchHolds(std::string_view header, int64_t generation) {
  const std::string prefix = "\"g" + std::to_string(generation) + "-";
  const auto tags = Tags(header);
  return std::any_of(tags.begin(), tags.end(), [&](std::string_view tag) {
    return tag == "*" || tag.substr(0, prefix.size()) == prefix;  // a weak tag never matches
  });
}

bool IfNoneMatchHits(std::string_view header, std::string_view etag) {
  const auto tags = Tags(header);
  return std::any_of(tags.begin(), tags.end(), [&](std::string_view tag) {
    if (tag.substr(0, 2) == "W/") tag.remove_prefix(2);
    return tag == "*" || tag == etag;
  });
}

}  // namespace slipway::api
