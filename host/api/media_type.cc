#include "api/media_type.h"

#include "base/json.h"
#include "http/message.h"

namespace slipway::api {
namespace {

Error Unsupported(std::string message) {
  return Error{Code::kInvalid, "UnsupportedMediaType", std::move(message)};
}

// Parses the text from the left: RFC 9110, 8.3.1.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool Take(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void Blanks() {
    while (Take(' ') || Take('\t')) {
    }
  }

  // Reads up to the next character that ends a token; "": no token.
  std::string_view Token() {
    const std::string_view out = rest_.substr(0, rest_.find_first_of(" \t;=/\""));
    rest_.remove_prefix(out.size());
    return http::IsToken(out) ? out : std::string_view();
  }

  // Reads after the opening quote. False without a closing quote.
  bool Quoted(std::string& out) {
    while (!rest_.empty()) {
      if (Take('"')) return true;
      Take('\\');
      if (rest_.empty()) return false;
      out += rest_.front();
      rest_.remove_prefix(1);
    }
    return false;
  }

  bool end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

struct MediaType {
  std::string name, charset;
};

bool Parse(std::string_view text, MediaType& out) {
  Scanner scanner(text);
  scanner.Blanks();
  const std::string_view type = scanner.Token();
  const bool slash = scanner.Take('/');
  const std::string_view subtype = scanner.Token();
  if (type.empty() || !slash || subtype.empty()) return false;
  out.name = std::string(type) + "/" + std::string(subtype);
  for (;;) {
    scanner.Blanks();
    if (scanner.end()) return true;
    if (!scanner.Take(';')) return false;
    scanner.Blanks();
    if (scanner.end()) return true;  // "application/json;" is common
    const std::string_view name = scanner.Token();
    std::string value;
    if (name.empty() || !scanner.Take('=')) return false;
    if (scanner.Take('"')) {
      if (!scanner.Quoted(value)) return false;
    } else {
      value = scanner.Token();
      if (value.empty()) return false;
    }
    if (http::EqualsIgnoreCase(name, "charset")) out.charset = std::move(value);
  }
}

}  // namespace

Result<void> CheckMediaType(const std::string* header, std::string_view wanted) {
  const std::string must = "the body must be " + std::string(wanted);
  if (header == nullptr) return Unsupported(must + "; the request has no Content-Type");
  MediaType type;
  if (!Parse(*header, type))
    return Unsupported(must + "; the Content-Type " + Json::Quote(*header) +
                       " cannot be understood");
  if (!http::EqualsIgnoreCase(type.name, wanted)) return Unsupported(must + ", not " + type.name);
  const bool utf8 = type.charset.empty() || http::EqualsIgnoreCase(type.charset, "utf-8") ||
                    http::EqualsIgnoreCase(type.charset, "utf8");
  if (!utf8)
    return Unsupported("the body must be in UTF-8, not in the charset " +
                       Json::Quote(type.charset));
  return {};
}

}  // namespace slipway::api
