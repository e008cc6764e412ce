#include "bucket/s3_xml.h"

#include <expat.h>
#include <memory>
#include <type_traits>

namespace slipway::bucket {
namespace {

constexpr size_t kDeepest = 8;

struct Reader {
  XML_Parser parser;
  XmlTexts texts;
  std::vector<size_t> parents;  // lengths of the paths
  std::string path, text;
};

void XMLCALL Begin(void* user, const XML_Char* name, const XML_Char** attributes) {
  (void)attributes;
  auto& reader = *static_cast<Reader*>(user);
  if (reader.parents.size() == kDeepest) {
    XML_StopParser(reader.parser, XML_FALSE);
    return;
  }
  reader.parents.push_back(reader.path.size());
  if (!reader.path.empty()) reader.path += '/';
  reader.path += name;
  reader.text.clear();
}

void XMLCALL Text(void* user, const XML_Char* text, int size) {
  static_cast<Reader*>(user)->text.append(text, static_cast<size_t>(size));
}

void XMLCALL End(void* user, const XML_Char* name) {
  (void)name;
  auto& reader = *static_cast<Reader*>(user);
  if (!reader.text.empty()) reader.texts.emplace_back(reader.path, std::move(reader.text));
  reader.text.clear();
  reader.path.resize(reader.parents.back());
  reader.parents.pop_back();
}

}  // namespace

Result<XmlTexts> ReadXml(std::string_view document) {
  const std::unique_ptr<std::remove_pointer_t<XML_Parser>, decltype(&XML_ParserFree)> parser(
      XML_ParserCreate("UTF-8"), XML_ParserFree);
  Reader reader{parser.get(), {}, {}, "", ""};
  XML_SetUserData(parser.get(), &reader);
  XML_SetElementHandler(parser.get(), Begin, End);
  XML_SetCharacterDataHandler(parser.get(), Text);
  if (XML_Parse(parser.get(), document.data(), static_cast<int>(document.size()), XML_TRUE) !=
      XML_STATUS_OK) {
    return Error{Code::kUnavailable, "StoreFailed",
                 std::string("the store's answer is not XML: ") +
                     XML_ErrorString(XML_GetErrorCode(parser.get()))};
  }
  return std::move(reader.texts);
}

std::string TextAt(const XmlTexts& texts, std::string_view path) {
  for (const auto& [at, text] : texts) {
    if (at == path) return text;
  }
  return "";
}

}  // namespace slipway::bucket
