#pragma once

#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"

namespace slipway::kube {

// The text of a Warning header's value, `299 - "text"`; "" when it is not one of an API server.
std::string WarningText(std::string_view header);

// Logs what API servers warn of ("v1beta1 Foo is deprecated …"), each text once. Any thread;
// guarded by one mutex.
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
