#include "http/framing.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace slipway::http {
namespace {

Limits SmallLimits() {
  Limits limits;
  limits.head_bytes = 1024;
  limits.target_bytes = 256;
  limits.header_count = 10;
  limits.body_bytes = 64;
  return limits;
}

// One line each: "POST /x body" for a request, "400 Reason" for a refusal, "..." when it waits.
std::string Drain(Framer& framer) {
  std::string out;
  for (;;) {
    switch (framer.Next()) {
      case Framer::Event::kNeedMore:
        return framer.phase() == Framer::Phase::kIdle ? out : out + "...";
      case Framer::Event::kContinue:
        out += "100\n";
        break;
      case Framer::Event::kRequest: {
        const std::string keep = framer.keep_alive() ? "" : " close";
        const Request request = framer.TakeRequest();
        out += request.method + " " + request.target + " " + request.body + keep + "\n";
        break;
      }
      case Framer::Event::kRefused:
        return out + std::to_string(framer.status()) + " " + std::string(framer.reason()) + "\n";
    }
  }
}

std::string RunAll(std::string_view input) {
  const Limits limits = SmallLimits();
  Framer framer(limits);
  framer.Append(input);
  return Drain(framer);
}

#define CRLF "\r\n"
#define H "Host: a" CRLF
#define POST_CHUNKED "POST /x HTTP/1.1" CRLF H "Transfer-Encoding: chunked" CRLF CRLF

struct Case {
  std::string_view input;
  std::string_view output;
};

template <size_t n>
void Check(const Case (&cases)[n]) {
  for (const Case& test : cases) {
    EXPECT_EQ(RunAll(test.input), test.output) << test.input;
  }
}

TEST(Framing, AcceptsProperRequests) {
  const Case kCases[] = {
      {"GET / HTTP/1.1" CRLF H CRLF, "GET / \n"},
      {CRLF "GET / HTTP/1.1" CRLF H CRLF, "GET / \n"},
      {"GET / HTTP/1.0" CRLF CRLF, "GET /  close\n"},
      {"GET / HTTP/1.0" CRLF "Connection: keep-alive" CRLF CRLF, "GET / \n"},
      {"GET / HTTP/1.1" CRLF H "Connection: close" CRLF CRLF, "GET /  close\n"},
      {"GET / HTTP/1.1" CRLF H "Connection: x, CLOSE" CRLF CRLF, "GET /  close\n"},
      {"GET / HTTP/1.1" CRLF "Host:" CRLF CRLF, "GET / \n"},
      // The router decides whether a path has the method.
      {"BREW / HTTP/1.1" CRLF H CRLF, "BREW / \n"},
      {"get / HTTP/1.1" CRLF H CRLF, "get / \n"},
      {"GET / HTTP/1.1" CRLF "hOsT:   [::1]:80  " CRLF CRLF, "GET / \n"},
      {"POST /x HTTP/1.1" CRLF H "Content-Length: 4" CRLF CRLF "abcd", "POST /x abcd\n"},
      {"POST /x HTTP/1.1" CRLF H "Content-Length: 0" CRLF CRLF, "POST /x \n"},
      {"GET /x HTTP/1.1" CRLF H "Content-Length: 4" CRLF CRLF "abcd", "GET /x abcd\n"},
      {POST_CHUNKED "4" CRLF "abcd" CRLF "5" CRLF "12345" CRLF "0" CRLF CRLF,
       "POST /x abcd12345\n"},
      {POST_CHUNKED "4;a=b" CRLF "abcd" CRLF "000" CRLF CRLF, "POST /x abcd\n"},
      {POST_CHUNKED "A" CRLF "0123456789" CRLF "0" CRLF "X-T: 1" CRLF "Host: b" CRLF CRLF,
       "POST /x 0123456789\n"},
      {"POST /x HTTP/1.1" CRLF H "Transfer-Encoding: Chunked" CRLF CRLF "0" CRLF CRLF,
       "POST /x \n"},
      // We refuse an upgrade by ignoring it; the body stays a body.
      {"POST /x HTTP/1.1" CRLF H "Connection: Upgrade" CRLF "Upgrade: h2c" CRLF
       "Content-Length: 3" CRLF CRLF "abc",
       "POST /x abc\n"},
      {"GET /x HTTP/1.1" CRLF H "Connection: Upgrade" CRLF "Upgrade: h2c" CRLF CRLF
       "GET /y HTTP/1.1" CRLF H CRLF,
       "GET /x \nGET /y \n"},
  };
  Check(kCases);
}

TEST(Framing, CutsPipelinedRequests) {
  const Case kCases[] = {
      {"GET /1 HTTP/1.1" CRLF H CRLF "GET /2 HTTP/1.1" CRLF H CRLF "GET /3 HT",
       "GET /1 \nGET /2 \n..."},
      {POST_CHUNKED "1" CRLF "a" CRLF "0" CRLF "X: y" CRLF CRLF "GET /2 HTTP/1.1" CRLF H CRLF,
       "POST /x a\nGET /2 \n"},
      {"POST /x HTTP/1.1" CRLF H "Content-Length: 2" CRLF CRLF "abGET /2 HTTP/1.1" CRLF H CRLF,
       "POST /x ab\nGET /2 \n"},
  };
  Check(kCases);
}

TEST(Framing, RefusesWhatTwoPartiesCouldReadDifferently) {
  const Case kCases[] = {
      {"POST / HTTP/1.1" CRLF H "Content-Length: 4" CRLF "Transfer-Encoding: chunked" CRLF CRLF
       "0" CRLF CRLF,
       "400 LengthAndTransferEncoding\n"},
      {"POST / HTTP/1.1" CRLF H "Transfer-Encoding: chunked" CRLF "Content-Length: 4" CRLF CRLF
       "0" CRLF CRLF,
       "400 LengthAndTransferEncoding\n"},
      {"POST / HTTP/1.1" CRLF H "Content-Length: 4" CRLF "Content-Length: 9" CRLF CRLF,
       "400 BadContentLength\n"},
      {"POST / HTTP/1.1" CRLF H "Content-Length: 4" CRLF "Content-Length: 4" CRLF CRLF,
       "400 BadContentLength\n"},
      {"POST / HTTP/1.1" CRLF H "Content-Length: 4, 4" CRLF CRLF, "400 BadContentLength\n"},
      {"POST / HTTP/1.1" CRLF H "Content-Length: +4" CRLF CRLF, "400 BadContentLength\n"},
      {"POST / HTTP/1.1" CRLF H "Content-Length: -4" CRLF CRLF, "400 BadContentLength\n"},
      {"POST / HTTP/1.1" CRLF H "Content-Length: 0x4" CRLF CRLF, "400 BadContentLength\n"},
      {"POST / HTTP/1.1" CRLF H "Content-Length: 1 2" CRLF CRLF, "400 BadContentLength\n"},
      {"POST / HTTP/1.1" CRLF H "Content-Length:" CRLF CRLF, "400 BadContentLength\n"},
      {"POST / HTTP/1.1" CRLF H "Content-Length: 999999999999999999999999" CRLF CRLF,
       "400 BadContentLength\n"},
      {"POST / HTTP/1.1" CRLF H "Transfer-Encoding: gzip, chunked" CRLF CRLF,
       "501 TransferCodingNotImplemented\n"},
      {"POST / HTTP/1.1" CRLF H "Transfer-Encoding: xchunked" CRLF CRLF,
       "501 TransferCodingNotImplemented\n"},
      {"POST / HTTP/1.1" CRLF H "Transfer-Encoding: identity" CRLF CRLF,
       "501 TransferCodingNotImplemented\n"},
      {"POST / HTTP/1.1" CRLF H "Transfer-Encoding: chunked" CRLF
       "Transfer-Encoding: chunked" CRLF CRLF,
       "400 BadTransferEncoding\n"},
      {"POST / HTTP/1.0" CRLF "Transfer-Encoding: chunked" CRLF CRLF, "400 BadTransferEncoding\n"},
      {"POST / HTTP/1.1" CRLF H "Transfer-Encoding : chunked" CRLF CRLF, "400 BadHeader\n"},
      {"GET / HTTP/1.1" CRLF H "X A: 1" CRLF CRLF, "400 BadHeader\n"},
      {"GET / HTTP/1.1" CRLF H "Connection: close; x" CRLF CRLF, "400 BadHeader\n"},
      {"GET / HTTP/1.1" CRLF H ": 1" CRLF CRLF, "400 BadHeader\n"},
      {"GET / HTTP/1.1" CRLF H "NoColon" CRLF CRLF, "400 BadHeader\n"},
      {"GET / HTTP/1.1" CRLF H "X: a" CRLF " b" CRLF CRLF, "400 FoldedHeader\n"},
      {"GET / HTTP/1.1" CRLF " " H CRLF, "400 FoldedHeader\n"},
      {"GET / HTTP/1.1\n" H CRLF, "400 BareLineFeed\n"},
      {"GET / HTTP/1.1" CRLF "Host: a\n" CRLF, "400 BareLineFeed\n"},
      {"GET / HTTP/1.1" CRLF H "X: a\rb" CRLF CRLF, "400 ControlCharacter\n"},
      {"GET / HTTP/1.1" CRLF H "X: a\x01" CRLF CRLF, "400 ControlCharacter\n"},
      {std::string_view("GET / HTTP/1.1" CRLF H "X: a\0b" CRLF CRLF, 34), "400 ControlCharacter\n"},
      {"GET / HTTP/1.1" CRLF H "X: \xff" CRLF CRLF, "400 BadHeaderEncoding\n"},
      {"GET / HTTP/1.1" CRLF CRLF, "400 MissingHost\n"},
      {"GET / HTTP/1.1" CRLF H "Host: a" CRLF CRLF, "400 BadHost\n"},
      {"GET / HTTP/1.1" CRLF "Host: a/b" CRLF CRLF, "400 BadHost\n"},
  };
  Check(kCases);
}

TEST(Framing, RefusesBadRequestLines) {
  const Case kCases[] = {
      {"GET  / HTTP/1.1" CRLF H CRLF, "400 BadVersion\n"},
      {"GET / HTTP/1.1 " CRLF H CRLF, "400 BadVersion\n"},
      {"GET /" CRLF H CRLF, "400 BadRequestLine\n"},
      {"GET / http/1.1" CRLF H CRLF, "400 BadVersion\n"},
      {"GET / HTTP/1.x" CRLF H CRLF, "400 BadVersion\n"},
      {"GET / HTTP/11.1" CRLF H CRLF, "400 BadVersion\n"},
      {"GET / ICE/1.01" CRLF H CRLF, "400 BadVersion\n"},
      {"GET / HTTP/9.1" CRLF H CRLF, "505 VersionNotSupported\n"},
      {"GET / HTTP/1.2" CRLF H CRLF, "505 VersionNotSupported\n"},
      {"PRI * HTTP/2.0" CRLF CRLF "SM" CRLF CRLF, "505 VersionNotSupported\n"},
      {"G\tT / HTTP/1.1" CRLF H CRLF, "400 BadMethod\n"},
      {"GET http://a/ HTTP/1.1" CRLF H CRLF, "400 BadTarget\n"},
      {"CONNECT a:443 HTTP/1.1" CRLF H CRLF, "400 BadTarget\n"},
      {"CONNECT / HTTP/1.1" CRLF H CRLF, "400 BadTarget\n"},
      {"OPTIONS * HTTP/1.1" CRLF H CRLF, "400 BadTarget\n"},
      {"GET /%zz HTTP/1.1" CRLF H CRLF, "400 BadTarget\n"},
      {"GET /%00 HTTP/1.1" CRLF H CRLF, "400 BadTarget\n"},
      {"GET /?a=%ff HTTP/1.1" CRLF H CRLF, "400 BadTarget\n"},
      {"GET /\x80 HTTP/1.1" CRLF H CRLF, "400 BadTarget\n"},
      {CRLF CRLF CRLF CRLF CRLF, "400 BadRequestLine\n"},
      {"\x16\x03\x01", "400 BadRequestLine\n"},
      {" GET / HTTP/1.1", "400 BadRequestLine\n"},
  };
  Check(kCases);
}

TEST(Framing, RefusesBadChunks) {
  const Case kCases[] = {
      {POST_CHUNKED "-4" CRLF, "400 BadChunk\n"},
      {POST_CHUNKED "4 " CRLF, "400 BadChunk\n"},
      {POST_CHUNKED " 4" CRLF, "400 BadChunk\n"},
      {POST_CHUNKED "0x4" CRLF, "400 BadChunk\n"},
      {POST_CHUNKED CRLF, "400 BadChunk\n"},
      {POST_CHUNKED "4\nabcd", "400 BadChunk\n"},
      {POST_CHUNKED "4\rXabcd" CRLF, "400 BadChunk\n"},
      {POST_CHUNKED "7fffffffffffffff" CRLF, "400 BadChunk\n"},
      {POST_CHUNKED "7fffffff" CRLF, "413 BodyTooLarge\n"},
      {POST_CHUNKED "2" CRLF "abXY", "400 BadChunk\n"},
      {POST_CHUNKED "2" CRLF "ab\rY", "400 BadChunk\n"},
      {POST_CHUNKED "0" CRLF "X: y\n" CRLF, "400 BareLineFeed\n"},
      {POST_CHUNKED "0" CRLF "X y" CRLF CRLF, "400 BadHeader\n"},
      {POST_CHUNKED "0" CRLF " X: y" CRLF CRLF, "400 FoldedHeader\n"},
  };
  Check(kCases);
}

TEST(Framing, KeepsItsLimits) {
  const std::string a2k(2000, 'a');
  const std::string headers = [] {
    std::string text;
    for (int i = 0; i < 10; ++i) text += "X: y" CRLF;
    return text;
  }();
  EXPECT_EQ(RunAll("GET /" + a2k), "414 TargetTooLong\n");
  EXPECT_EQ(RunAll("GET /" + a2k.substr(0, 300) + " HTTP/1.1" CRLF H CRLF), "414 TargetTooLong\n");
  EXPECT_EQ(RunAll("GET / HTTP/1.1" CRLF H "X: " + a2k), "431 HeadTooLarge\n");
  EXPECT_EQ(RunAll("GET / HTTP/1.1" CRLF H "X: " + a2k + CRLF CRLF), "431 HeadTooLarge\n");
  EXPECT_EQ(RunAll("GET / HTTP/1.1" CRLF H + headers + CRLF), "431 TooManyHeaders\n");
  EXPECT_EQ(RunAll("POST / HTTP/1.1" CRLF H "Content-Length: 65" CRLF CRLF), "413 BodyTooLarge\n");
  EXPECT_EQ(RunAll("POST / HTTP/1.1" CRLF H "Content-Length: 64" CRLF CRLF "a"), "...");
  EXPECT_EQ(RunAll(POST_CHUNKED "3c" CRLF + a2k.substr(0, 60) + CRLF "5" CRLF),
            "413 BodyTooLarge\n");
  EXPECT_EQ(RunAll(POST_CHUNKED "4;" + a2k), "400 BadChunk\n");
  EXPECT_EQ(RunAll(POST_CHUNKED "0" CRLF "X: " + a2k), "431 HeadTooLarge\n");
}

TEST(Framing, AsksForTheBodyOnlyWhenTheClientWaits) {
  const Case kCases[] = {
      {"POST /x HTTP/1.1" CRLF H "Expect: 100-continue" CRLF "Content-Length: 2" CRLF CRLF,
       "100\n..."},
      {"POST /x HTTP/1.1" CRLF H "Expect: 100-Continue" CRLF "Content-Length: 2" CRLF CRLF "ab",
       "POST /x ab\n"},
      {"POST /x HTTP/1.1" CRLF H "Expect: 100-continue" CRLF CRLF, "POST /x \n"},
      {"POST /x HTTP/1.1" CRLF H "Expect: 100-continue" CRLF "Content-Length: 65" CRLF CRLF,
       "413 BodyTooLarge\n"},
      {"POST /x HTTP/1.0" CRLF "Expect: 100-continue" CRLF "Content-Length: 2" CRLF CRLF, "..."},
      {"POST /x HTTP/1.1" CRLF H "Expect: tea" CRLF "Content-Length: 2" CRLF CRLF,
       "417 ExpectationFailed\n"},
  };
  Check(kCases);
}

TEST(Framing, ReadsNothingAfterARefusal) {
  const Limits limits = SmallLimits();
  Framer framer(limits);
  framer.Append("GET / HTTP/1.1" CRLF "Host : a" CRLF CRLF "GET /2 HTTP/1.1" CRLF H CRLF);
  EXPECT_EQ(Drain(framer), "400 BadHeader\n");
  framer.Append("GET /3 HTTP/1.1" CRLF H CRLF);
  EXPECT_EQ(Drain(framer), "400 BadHeader\n");
  EXPECT_EQ(framer.memory(), 0u);
}

TEST(Framing, KnowsTheRequestIdOfARefusedRequest) {
  const Limits limits = SmallLimits();
  Framer framer(limits);
  framer.Append("POST / HTTP/1.1" CRLF H "X-Request-Id: r-1" CRLF "Content-Length: 999" CRLF CRLF);
  EXPECT_EQ(Drain(framer), "413 BodyTooLarge\n");
  EXPECT_EQ(framer.request_id(), "r-1");
}

TEST(Framing, DoesNotCareWhereTheBytesAreCut) {
  const std::string_view kInputs[] = {
      "GET /a HTTP/1.1" CRLF H CRLF "GET /b HTTP/1.1" CRLF H CRLF,
      POST_CHUNKED "4" CRLF "abcd" CRLF "5;x=y" CRLF "12345" CRLF "0" CRLF "T: 1" CRLF CRLF
                   "GET /b HTTP/1.1" CRLF H CRLF,
      "POST /x HTTP/1.1" CRLF H "Content-Length: 11" CRLF CRLF
      "{\"a\":\"bcd\"}"
      "GET /b HTTP/1.1" CRLF H CRLF,
      "GET / HTTP/1.1" CRLF "Host : a" CRLF CRLF,
      POST_CHUNKED "2" CRLF "abXY",
  };
  for (const std::string_view input : kInputs) {
    const std::string whole = RunAll(input);
    const Limits limits = SmallLimits();
    for (size_t cut = 0; cut <= input.size(); ++cut) {
      Framer framer(limits);
      std::string out;
      for (const auto part : {input.substr(0, cut), input.substr(cut)}) {
        framer.Append(part);
        if (!out.empty() && out.back() == '.') out.resize(out.size() - 3);
        if (out.find("400") == out.npos) out += Drain(framer);
      }
      EXPECT_EQ(out, whole) << cut;
    }
    Framer framer(limits);
    std::string out;
    for (size_t i = 0; i < input.size() && out.find("400") == out.npos; ++i) {
      framer.Append(input.substr(i, 1));
      if (!out.empty() && out.back() == '.') out.resize(out.size() - 3);
      out += Drain(framer);
    }
    EXPECT_EQ(out, whole);
  }
}

TEST(Framing, LetsALongBodyThroughAShortBuffer) {
  Limits limits;
  limits.body_bytes = 8u << 20;
  Framer framer(limits);
  framer.Append(POST_CHUNKED);
  std::string piece;  // always ends in the middle of a chunk's size line
  for (int i = 0; i < 100; ++i) piece += CRLF "10" CRLF "0123456789abcdef";
  framer.Append("1" CRLF "x");
  for (int i = 0; i < 1000; ++i) {
    framer.Append(piece);
    ASSERT_EQ(framer.Next(), Framer::Event::kNeedMore);
    ASSERT_LT(framer.unparsed(), 100u);
  }
  framer.Append(CRLF "0" CRLF CRLF);
  ASSERT_EQ(framer.Next(), Framer::Event::kRequest);
  EXPECT_EQ(framer.TakeRequest().body.size(), 1u + 1000 * 1600);
}

}  // namespace
}  // namespace slipway::http
