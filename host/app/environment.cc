#include "app/environment.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <regex>

namespace slipway::app {
namespace {

constexpr std::string_view kPrefix = "SLIPWAY_";

// SLIPWAY_SERVICE_HOST, SLIPWAY_API_SERVICE_PORT_HTTP, SLIPWAY_PORT, SLIPWAY_PORT_80_TCP_ADDR.
bool IsServiceLink(const std::string& name, const std::string& value) {
  static const std::regex kService("_SERVICE_(HOST|PORT(_.*)?)$");
  static const std::regex kPort("_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$");
  static const std::regex kUrl("^(tcp|udp|sctp)://");
  return std::regex_search(name, kService) || std::regex_search(name, kPort) ||
         (name.ends_with("_PORT") && std::regex_search(value, kUrl));
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string EnvironmentName(std::string_view pointer) {
  std::string name = "SLIPWAY";
  for (const char c : pointer)
    name += c == '/' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::vector<std::string> UnknownVariables(const std::map<std::string, std::string>& environment,
                                          const std::vector<std::string>& known) {
  std::vector<std::string> problems;
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(kPrefix) || IsServiceLink(name, value) ||
        std::find(known.begin(), known.end(), name) != known.end())
      continue;
    const auto nearest = std::min_element(
        known.begin(), known.end(), [&name = name](const std::string& a, const std::string& b) {
          return EditDistance(name, a) < EditDistance(name, b);
        });
    std::string problem = name + ": is not a setting";
    if (nearest != known.end() && EditDistance(name, *nearest) <= 6)
      problem += "; did you mean " + *nearest + "?";
    problems.push_back(std::move(problem));
  }
  return problems;
}

}  // namespace slipway::app
