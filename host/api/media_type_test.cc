#include "api/media_type.h"

#include <gtest/gtest.h>

namespace slipway::api {
namespace {

// "" when the header is accepted; otherwise the refusal's message.
std::string RefusalOf(const std::string& header, std::string_view wanted = "application/json") {
  const auto checked = CheckMediaType(&header, wanted);
  return checked ? "" : checked.error().message;
}

TEST(MediaType, TheSameTypeInAllItsSpellingsIsTaken) {
  for (const char* header : {
           "application/json",
           "Application/JSON",
           " application/json ",
           "application/json;",
           "application/json; charset=utf-8",
           "application/json; charset=utf8",
           "application/json;charset=UTF-8",
           "application/json ; Charset=Utf8",
           "application/json; charset=\"utf-8\"",
           "application/json; charset=\"UTF\\-8\"",
           "application/json; charset=\"\"",
           "application/json; version=2",
           "application/json; version=2; charset=utf-8",
           "application/json; profile=\"a;charset=latin1\"",
       }) {
    EXPECT_EQ(RefusalOf(header), "") << header;
  }
  EXPECT_EQ(RefusalOf("application/merge-patch+json; charset=utf8", "application/merge-patch+json"),
            "");
}

TEST(MediaType, ARefusalSaysWhatIsWrong) {
  const struct {
    const char* header;
    const char* message;
  } kCases[] = {
      {"text/plain", "the body must be application/json, not text/plain"},
      {"application/json+x", "the body must be application/json, not application/json+x"},
      {"application/json; charset=latin1",
       "the body must be in UTF-8, not in the charset \"latin1\""},
      {"application/json; charset=\"utf-16\"",
       "the body must be in UTF-8, not in the charset \"utf-16\""},
      {"application/json; x=1; CHARSET=iso-8859-1",
       "the body must be in UTF-8, not in the charset \"iso-8859-1\""},
  };

  for (const auto& test : kCases) EXPECT_EQ(RefusalOf(test.header), test.message);
}

TEST(MediaType, WhatIsNoMediaTypeIsRefused) {
  for (const char* header :
       {"", "json", "application", "application/", "/json", "application/json charset=utf-8",
        "application/json; charset", "application/json; charset=", "application/json; =utf-8",
        "application/json; charset=\"utf-8", "application/json; charset=\"utf-8\\",
        "application/json, application/json", "application/json; charset=utf-8 x",
        "application json", "appli(cation/json"}) {
    EXPECT_NE(RefusalOf(header).find("cannot be understood"), std::string::npos) << header;
  }
  EXPECT_EQ(CheckMediaType(nullptr, "application/json").error().message,
            "the body must be application/json; the request has no Content-Type");
}

}  // namespace
}  // namespace slipway::api
