#include "devcluster/list_options.h"

#include <cstdlib>
#include <vector>

#include "devcluster/target.h"

namespace slipway::sim {

namespace {

void Forbid(std::vector<Cause>& causes, const char* field, const std::string& why) {
  causes.push_back({"FieldValueForbidden", "Forbidden: " + why, field});
}

std::vector<Cause> CheckList(const ListOptions& options, bool initial_given) {
  std::vector<Cause> out;
  const std::string& match = options.match;
  static constexpr char kMatch[] = "resourceVersionMatch";
  if (!match.empty()) {
    if (options.version.empty())
      Forbid(out, kMatch, "resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (!options.token.empty())
      Forbid(out, kMatch, "resourceVersionMatch is forbidden when continue is provided");
    if (match != "Exact" && match != "NotOlderThan")
      out.push_back({"FieldValueNotSupported",
                     "Unsupported value: " + Json::Quote(match) +
                         ": supported values: \"Exact\", \"NotOlderThan\", \"\"",
                     kMatch});
    if (match == "Exact" && options.version == "0")
      Forbid(out, kMatch, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
  }
  if (initial_given) Forbid(out, "sendInitialEvents", "sendInitialEvents is forbidden for list");
  return out;
}

std::vector<Cause> CheckWatch(const ListOptions& options, bool initial_given) {
  std::vector<Cause> out;
  const std::string& match = options.match;
  static constexpr char kMatch[] = "resourceVersionMatch";
  if (initial_given && match != "NotOlderThan")
    Forbid(out, kMatch, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  if (match.empty()) return out;
  if (!initial_given)
    Forbid(out, kMatch,
           "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  if (match != "NotOlderThan")
    out.push_back(
        {"FieldValueNotSupported",
         "Unsupported value: " + Json::Quote(match) + ": supported values: \"NotOlderThan\"",
         kMatch});
  return out;
}

bool IsNumber(const std::string& text) {
  const size_t sign = !text.empty() && text[0] == '-' ? 1 : 0;
  return text.size() > sign && text.find_first_not_of("0123456789", sign) == std::string::npos;
}

Failure VersionTooLarge(const std::string& version, uint64_t newest) {
  return {
      504, "Timeout",
      "Timeout: Too large resource version: " + version + ", current: " + std::to_string(newest),
      Json::Obj({{"causes", Json::Arr({Json::Obj({{"reason", "ResourceVersionTooLarge"},
                                                  {"message", "Too large resource version"}})})}}),
      1};
}

}  // namespace

uint64_t ListOptions::Version() const {
  return std::strtoull(version.c_str(), nullptr, 10);
}

Answer<ListOptions> ReadListOptions(const http::Request& request, Reading reading,
                                    uint64_t newest) {
  ListOptions out;
  for (const auto& [name, into] :
       {std::pair<const char*, int64_t*>("limit", &out.limit),
        std::pair<const char*, int64_t*>("timeoutSeconds", &out.timeout_s)}) {
    const std::string text = QueryText(request, name);
    if (text.empty()) continue;
    if (!IsNumber(text))
      return BadRequest("strconv.ParseInt: parsing " + Json::Quote(text) + ": invalid syntax");
    *into = std::strtoll(text.c_str(), nullptr, 10);
  }
  out.token = QueryText(request, "continue");
  out.match = QueryText(request, "resourceVersionMatch");
  out.version = QueryText(request, "resourceVersion");
  out.initial = QueryFlag(request, "sendInitialEvents");
  out.bookmarks = QueryFlag(request, "allowWatchBookmarks");
  if (reading == Reading::kWatch && out.bookmarks && !out.initial &&
      (out.version.empty() || out.version == "0")) {
    // Watches in the old style, without sendInitialEvents, are also told when the initial events
    // end.
    out.initial = true;
  } else if (reading != Reading::kGet) {
    const bool initial_given = request.Query("sendInitialEvents") != nullptr;
    const std::vector<Cause> causes =
        reading == Reading::kWatch ? CheckWatch(out, initial_given) : CheckList(out, initial_given);
    if (!causes.empty()) return Invalid({"meta.k8s.io", "", "ListOptions"}, "", causes);
  }
  if (reading == Reading::kList && !out.token.empty() && !out.version.empty() && out.version != "0")
    return BadRequest("specifying resource version is not allowed when using continue");
  if (out.version.empty()) return out;
  if (!IsNumber(out.version) || out.version[0] == '-') {
    const std::string why = "resourceVersion: Invalid value: " + Json::Quote(out.version) +
                            ": strconv.ParseUint: parsing " + Json::Quote(out.version) +
                            ": invalid syntax";
    if (reading == Reading::kList) return BadRequest("invalid resource version: " + why);
    return Failure{500, "", why, {}};
  }
  if (reading != Reading::kWatch && out.Version() > newest)
    return VersionTooLarge(out.version, newest);
  return out;
}

}  // namespace slipway::sim
