#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace slipway::bucket {

// The texts in a document, in its order, each with its path: "ListBucketResult/Contents/Key".
using XmlTexts = std::vector<std::pair<std::string, std::string>>;

// kUnavailable "StoreFailed" when it is no XML, or deeper than an answer of S3.
Result<XmlTexts> ReadXml(std::string_view document);

// The first text with that path; "" when there is none.
std::string TextAt(const XmlTexts& texts, std::string_view path);

}  // namespace slipway::bucket
