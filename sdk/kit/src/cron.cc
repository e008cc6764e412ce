#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include <slipway/kit/cron.h>
#include <slipway/kit/quantity.h>

namespace slipway::kit {

namespace {

struct CronField {
  std::string_view what;
  int min, max;
  std::string_view names;  // three letters each, the first one counts as `min`
};

constexpr std::array<CronField, 6> kCronFields{
    {{"second", 0, 59, {}},
     {"minute", 0, 59, {}},
     {"hour", 0, 23, {}},
     {"day of the month", 1, 31, {}},
     {"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
     {"day of the week", 0, 6, "SUNMONTUEWEDTHUFRISAT"}}};

std::optional<int> CronValue(const CronField& field, std::string_view text) {
  if (const auto number = Integer(text); number && *number >= field.min && *number <= field.max)
    return static_cast<int>(*number);
  if (text.size() != 3) return std::nullopt;
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  for (size_t i = 0; i + 3 <= field.names.size(); i += 3) {
    if (field.names.substr(i, 3) == upper) return field.min + static_cast<int>(i / 3);
  }
  return std::nullopt;
}

bool CronRange(const CronField& field, std::string_view text) {
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto step = Integer(text.substr(slash + 1));
    if (!step || *step < 1 || *step > field.max) return false;
    text = text.substr(0, slash);
  }
  if (text == "*" || text == "?") return true;
  const size_t dash = text.find('-');
  const auto from = CronValue(field, text.substr(0, dash));
  if (!from || dash == std::string_view::npos) return from.has_value();
  const auto to = CronValue(field, text.substr(dash + 1));
  return to && *from <= *to;
}

std::vector<std::string_view> Split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  while (true) {
    const size_t at = text.find(by);
    out.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

std::string CronError(const std::string& schedule, size_t wanted) {
  static constexpr std::string_view kDescriptors[] = {"@yearly", "@annually", "@monthly", "@weekly",
                                                      "@daily",  "@midnight", "@hourly"};
  if (std::find(std::begin(kDescriptors), std::end(kDescriptors), schedule) !=
      std::end(kDescriptors))
    return {};
  const auto fields = Split(schedule, ' ');
  if (wanted == 6 && fields.size() == 5) {
    return "has five fields, but six are needed, seconds first: write \"0 " + schedule +
           "\" for what a crontab calls \"" + schedule + "\"";
  }
  if (wanted == 5 && fields.size() == 6)
    return "has six fields, but five are needed: a crontab counts no seconds";
  if (fields.size() != wanted) {
    return std::string("must have ") + (wanted == 6 ? "six fields: second, " : "five fields: ") +
           "minute, hour, day of the month, month, day of the week";
  }
  for (size_t i = 0; i < fields.size(); ++i) {
    for (const std::string_view range : Split(fields[i], ',')) {
      if (!CronRange(kCronFields[kCronFields.size() - wanted + i], range)) {
        return "has the field \"" + std::string(fields[i]) + "\", which is no " +
               std::string(kCronFields[kCronFields.size() - wanted + i].what);
      }
    }
  }
  return {};
}

}  // namespace

std::string CrontabError(const std::string& schedule) {
  return CronError(schedule, 5);
}

std::string SecondsCronError(const std::string& schedule) {
  return CronError(schedule, 6);
}

}  // namespace slipway::kit
