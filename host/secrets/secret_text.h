#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/crypto.h"

namespace slipway::secrets {

// A secret's value. It moves and never copies; its destructor overwrites the memory. It converts to
// no other type, so nobody prints it by mistake: Reveal() is the only way to the text.
class SecretText {
 public:
  SecretText() = default;

  explicit SecretText(std::string text) : text_(std::move(text)) {}

  ~SecretText() { Wipe(text_); }

  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;

  SecretText(SecretText&& other) noexcept { text_.swap(other.text_); }

  SecretText& operator=(SecretText&& other) noexcept {
    Wipe(text_);
    text_.clear();
    text_.swap(other.text_);
    return *this;
  }

  const std::string& Reveal() const { return text_; }

 private:
  std::string text_;
};

// Credentials by field, in the order of the engine's document.
using Fields = std::vector<std::pair<std::string, SecretText>>;

// nullptr when there is no such field.
inline const std::string* Find(const Fields& fields, const std::string& name) {
  for (const auto& [field, value] : fields) {
    if (field == name) return &value.Reveal();
  }
  return nullptr;
}

}  // namespace slipway::secrets
