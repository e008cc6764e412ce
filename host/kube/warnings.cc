#include "kube/warnings.h"

namespace slipway::kube {
namespace {

constexpr size_t kMaxTexts = 1000;  // a webhook may put the name of each object into its text

}  // namespace

std::string WarningText(std::string_view header) {
  const size_t start = header.find('"');
  if (!header.starts_with("299 ") || start == std::string_view::npos) return {};
  std::string out;
  for (size_t i = start + 1; i < header.size() && header[i] != '"'; ++i) {
    if (header[i] == '\\' && i + 1 < header.size()) ++i;
    out += header[i];
  }
  return out;
}

bool Warnings::IsNew(const std::string& text) {
  const std::lock_guard lock(mutex_);
  return seen_.size() < kMaxTexts && seen_.insert(text).second;
}

void Warnings::Note(const std::vector<std::string>& headers) {
  for (const std::string& header : headers) {
    const std::string text = WarningText(header);
    if (!text.empty() && IsNew(text)) log_.Warn("kube.warning", {{"message", text}});
  }
}

}  // namespace slipway::kube
