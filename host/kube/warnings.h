#pragma once

#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"

namespace slipway::kube {

// The text in the value of a Warning header, `299 - "text"`; "" for one of a proxy.
std::string WarningText(std::string_view header);

// Logs the warnings of API servers ("v1beta1 Foo is deprecated …"), each text once. Any thread; one
// mutex guards it.
class Warnings {
 public:
  explicit Warnings(Logger& log) : log_(log) {}

  void Note(const std::vector<std::string>& headers);

 private:
  bool IsNew(const std::string& text);

  Logger& log_;
  std::mutex mutex_;
  std::set<std::string, std::less<>> seen_;
};

}  // namespace slipway::kube
