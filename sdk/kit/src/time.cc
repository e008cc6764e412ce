#include <array>
#include <chrono>
#include <cstdio>

#include <slipway/kit/quantity.h>
#include <slipway/kit/time.h>

namespace slipway::kit {

namespace {

constexpr size_t kFinest = 6;  // digits of a second

// Reads a text from its front.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool good() const { return good_; }

  bool AtEnd() const { return rest_.empty(); }

  bool Take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void Expect(char c) { good_ = Take(c) && good_; }

  // A number of exactly so many digits within the limits.
  int Number(size_t digits, int min, int max) {
    const std::string_view text = Digits();
    const auto number = Integer(text.substr(0, digits));
    if (text.size() != digits || !number || *number < min || *number > max) {
      good_ = false;
      return min;
    }
    return static_cast<int>(*number);
  }

  // Milliseconds of ".25", which is optional.
  int FractionMs() {
    if (!Take('.')) return 0;
    const std::string_view text = Digits();
    if (text.empty() || text.size() > kFinest) good_ = false;
    int ms = 0;
    for (size_t i = 0; i < 3; ++i) ms = ms * 10 + (i < text.size() ? text[i] - '0' : 0);
    return ms;
  }

  // Minutes of "Z" or "+01:00".
  int OffsetMinutes() {
    if (Take('Z')) return 0;
    const bool west = Take('-');
    if (!west) Expect('+');
    const int hours = Number(2, 0, 23);
    Expect(':');
    const int minutes = hours * 60 + Number(2, 0, 59);
    return west ? -minutes : minutes;
  }

 private:
  std::string_view Digits() {
    const std::string_view text = rest_.substr(0, rest_.find_first_not_of("0123456789"));
    rest_.remove_prefix(text.size());
    return text;
  }

  std::string_view rest_;
  bool good_ = true;
};

}  // namespace

std::optional<int64_t> TimeMs(std::string_view text) {
  using std::chrono::milliseconds;
  Reader in(text);
  const int year = in.Number(4, 1970, 9999);
  in.Expect('-');
  const int month = in.Number(2, 1, 12);
  in.Expect('-');
  const int day = in.Number(2, 1, 31);
  in.Expect('T');
  const int hour = in.Number(2, 0, 23);
  in.Expect(':');
  const int minute = in.Number(2, 0, 59);
  in.Expect(':');
  const int second = in.Number(2, 0, 59);
  const int fraction = in.FractionMs();
  const int offset = in.OffsetMinutes();
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!in.good() || !in.AtEnd() || !date.ok()) return std::nullopt;
  const milliseconds since = std::chrono::sys_days(date).time_since_epoch() +
                             std::chrono::hours(hour) + std::chrono::minutes(minute - offset) +
                             std::chrono::seconds(second) + milliseconds(fraction);
  if (since.count() < 0) return std::nullopt;
  return since.count();
}

std::string MicroTime(int64_t unix_ms) {
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(unix_ms)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 40> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03d000Z",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return out.data();
}

}  // namespace slipway::kit
