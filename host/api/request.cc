#include "api/request.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>

#include "base/clock.h"
#include "base/crypto.h"
#include "http/message.h"

namespace slipway::api {
namespace {

constexpr int64_t kUnbounded = std::numeric_limits<int64_t>::max();

Error Malformed(std::string message) {
  return Error{Code::kInvalid, "Malformed", std::move(message)};
}

bool ParseInt(std::string_view text, int64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

// True when every character is in the set. The set is written as in a regular expression,
// "a-z0-9_"; a '-' at the end stands for itself.
bool HasCharacters(std::string_view text, std::string_view set) {
  return std::all_of(text.begin(), text.end(), [set](char c) {
    for (size_t i = 0; i < set.size(); ++i) {
      if (i + 2 < set.size() && set[i + 1] == '-') {
        if (c >= set[i] && c <= set[i + 2]) return true;
        i += 2;
      } else if (c == set[i]) {
        return true;
      }
    }
    return false;
  });
}

// "1 to 63", "at least 1".
std::string Range(const Parameter& parameter) {
  const std::string min = std::to_string(parameter.min);
  if (parameter.max == kUnbounded) return "at least " + min;
  return min + " to " + std::to_string(parameter.max);
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

// Our entity tags have letters, digits and '-', so a comma always separates.
std::vector<std::string_view> Tags(std::string_view header) {
  std::vector<std::string_view> out;
  while (!header.empty()) {
    const size_t comma = header.find(',');
    out.push_back(Trim(header.substr(0, comma)));
    header.remove_prefix(comma == std::string_view::npos ? header.size() : comma + 1);
  }
  return out;
}

// Names the bound that the value breaks; "" when it is within its bounds.
std::string Wrong(const Parameter& parameter, const std::string& value) {
  const auto& values = parameter.values;
  if (!values.empty()) {
    const bool known = std::find(values.begin(), values.end(), value) != values.end();
    return known ? "" : "one of " + Join(values);
  }
  int64_t number = 0;
  const auto within = [&](int64_t n) { return n >= parameter.min && n <= parameter.max; };
  switch (parameter.type) {
    case Parameter::Type::kInteger:
      return ParseInt(value, number) && within(number) ? "" : "a whole number, " + Range(parameter);
    case Parameter::Type::kBoolean:
      return value == "true" || value == "false" ? "" : "true or false";
    case Parameter::Type::kTime:
      return ParseTime(value) != -1 ? "" : "a time of RFC 3339 with its zone";
    case Parameter::Type::kText:
      break;
  }
  if (parameter.characters.empty()) return "";
  return HasCharacters(value, parameter.characters) && within(static_cast<int64_t>(value.size()))
             ? ""
             : Range(parameter) + " characters of [" + parameter.characters + "]";
}

Result<void> CheckOne(const Parameter& parameter, const char* kind, const std::string& value) {
  const std::string wanted = Wrong(parameter, value);
  if (wanted.empty()) return {};
  return Error{Code::kInvalid, parameter.reason, kind + parameter.name + " must be " + wanted};
}

}  // namespace

bool IsRequestId(std::string_view text) {
  return HasCharacters(text, "A-Za-z0-9._-") && !text.empty() && text.size() <= 128;
}

Result<void> CheckParameters(const Route& route, const http::Pairs& path,
                             const http::Request& request) {
  const auto row = [&](In in, std::string_view name) {
    return std::find_if(route.parameters.begin(), route.parameters.end(),
                        [&](const Parameter& p) { return p.in == in && p.name == name; });
  };
  const auto none = route.parameters.end();
  for (const auto& [name, value] : path) {
    const auto parameter = row(In::kPath, name);
    if (parameter != none && !Wrong(*parameter, value).empty())
      return NotFound(parameter->names, value);
  }
  std::set<std::string> seen;
  for (const auto& [name, value] : request.query) {
    const auto parameter = row(In::kQuery, name);
    if (parameter == none) {
      return Error{Code::kInvalid, "UnknownParameter",
                   "unknown query parameter " + Json::Quote(name)};
    }
    if (!seen.insert(name).second) return Malformed("query parameter " + name + " is given twice");
    TRY_VOID(CheckOne(*parameter, "query parameter ", value));
  }
  seen.clear();
  for (const auto& [name, value] : request.headers) {
    const auto parameter = std::find_if(
        route.parameters.begin(), route.parameters.end(), [&name = name](const Parameter& p) {
          return p.in == In::kHeader && http::EqualsIgnoreCase(p.name, name);
        });
    if (parameter == none) continue;
    // A list may come in several headers; a header with bounds is not a list.
    const bool bounded = !parameter->characters.empty() || parameter->max != kUnbounded;
    if (bounded && !seen.insert(name).second)
      return Malformed("header " + parameter->name + " is given twice");
    TRY_VOID(CheckOne(*parameter, "header ", value));
  }
  return {};
}

int64_t QueryInt(const http::Request& request, std::string_view name, int64_t fallback) {
  const std::string* text = request.Query(name);
  int64_t out = 0;
  return text != nullptr && ParseInt(*text, out) ? out : fallback;
}

int64_t QueryTime(const http::Request& request, std::string_view name) {
  const std::string* text = request.Query(name);
  return text != nullptr ? std::max<int64_t>(ParseTime(*text), 1) : 0;
}

std::string QueryText(const http::Request& request, std::string_view name) {
  const std::string* text = request.Query(name);
  return text != nullptr ? *text : std::string();
}

Error NotFound(const std::string& what, const std::string& id) {
  std::string reason = what + "NotFound";
  reason[0] = static_cast<char>(reason[0] - 'a' + 'A');
  return Error{Code::kNotFound, std::move(reason), "there is no " + what + " " + Json::Quote(id)};
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
