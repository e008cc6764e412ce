#include "http/uri.h"

#include <gtest/gtest.h>

#include "http/message.h"

namespace slipway::http {
namespace {

TEST(Target, IsCutAndDecodedOnce) {
  Request request;
  ASSERT_TRUE(ParseTarget("/v1/a%2Fb/%C3%A9/?x=1&y=%20+&z=%2B&x=%2525&flag&&=v", request));
  EXPECT_EQ(request.path, "/v1/a%2Fb/%C3%A9/");
  EXPECT_EQ(request.segments, (std::vector<std::string>{"v1", "a/b", "é", ""}));
  EXPECT_EQ(request.query,
            (Pairs{{"x", "1"}, {"y", "  "}, {"z", "+"}, {"x", "%25"}, {"flag", ""}, {"", "v"}}));
  EXPECT_EQ(*request.Query("x"), "1");
  EXPECT_EQ(request.Query("nothing"), nullptr);
}

TEST(Target, KeepsDotSegmentsAsData) {
  Request request;
  ASSERT_TRUE(ParseTarget("/a/../%2e%2e/b", request));
  EXPECT_EQ(request.segments, (std::vector<std::string>{"a", "..", "..", "b"}));
}

TEST(Target, RefusesWhatItCannotDecode) {
  for (const char* target : {"",
                             "*",
                             "a",
                             "http://a/",
                             "a:443",
                             "/%",
                             "/%4",
                             "/%zz",
                             "/%00",
                             "/%ff",
                             "/%c0%af",
                             "/%ed%a0%80",
                             "/%f4%90%80%80",
                             "/%e2%82",
                             "/a?b=%",
                             "/a?%00=b",
                             "/a?b=%ff",
                             "/a#b",
                             "/a b",
                             "/\x7f",
                             "/\xc3\xa9"}) {
    Request request;
    EXPECT_FALSE(ParseTarget(target, request)) << target;
  }
}

TEST(Target, BoundsItsParts) {
  Request request;
  EXPECT_FALSE(ParseTarget(std::string(1000, '/'), request));
  std::string query = "/?";
  for (int i = 0; i < 300; ++i) query += "&a";
  EXPECT_FALSE(ParseTarget(query, request));
}

TEST(Utf8, IsChecked) {
  EXPECT_TRUE(ValidUtf8("plain \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"));
  for (const char* bad : {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80",
                          "\xF5\x80\x80\x80", "\xF0\x80\x80\x80", "\xC3(", "\xFF"}) {
    EXPECT_FALSE(ValidUtf8(bad));
  }
}

TEST(Head, CannotBeBrokenByAHeader) {
  const std::string head = WriteHead(200, "text/plain\r\nX-Evil: 1",
                                     {{"Location", "/a\r\nSet-Cookie: x\r\n\r\n<html>"},
                                      {"X-A\r\nX-B", "1"},
                                      {"X Y", "1"},
                                      {"Content-Length", "9"},
                                      {"transfer-encoding", "chunked"},
                                      {"X-Ok", "yes"}},
                                     {.now_ms = 784111777000, .content_length = 2});
  EXPECT_EQ(head,
            "HTTP/1.1 200 OK\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Type: text/plain  X-Evil: 1\r\n"
            "Location: /a  Set-Cookie: x    <html>\r\n"
            "X-Ok: yes\r\n"
            "Content-Length: 2\r\n\r\n");
}

TEST(Head, SaysWhetherTheConnectionStays) {
  EXPECT_EQ(
      WriteHead(204, "", {}, {.keep_alive = false}).find("Connection: close") == std::string::npos,
      false);
  EXPECT_NE(WriteHead(200, "", {}, {.http10 = true}).find("Connection: keep-alive"),
            std::string::npos);
  EXPECT_EQ(WriteHead(200, "", {}, {}).find("Connection"), std::string::npos);
}

TEST(Status, HasAText) {
  EXPECT_STREQ(StatusText(200), "OK");
  EXPECT_STREQ(StatusText(431), "Request Header Fields Too Large");
}

}  // namespace
}  // namespace slipway::http
