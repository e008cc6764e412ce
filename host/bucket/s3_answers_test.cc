// What stores may answer that a real one cannot be made to say in a test.
#include <arpa/inet.h>
#include <functional>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "bucket/bucket.h"

namespace slipway::bucket {
namespace {

// Answers each connection's first request with `answer`, as it is, and closes.
class Scripted {
 public:
  explicit Scripted(std::string answer) : answer_(std::move(answer)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    endpoint = "http://127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    thread_ = std::thread([this] { Run(); });
  }

  ~Scripted() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }

  std::string endpoint;

 private:
  void Run() {
    while (true) {
      const int client = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      std::string head;
      char buffer[4096];
      while (head.find("\r\n\r\n") == std::string::npos) {
        const ssize_t n = ::read(client, buffer, sizeof buffer);
        if (n <= 0) break;
        head.append(buffer, static_cast<size_t>(n));
      }
      for (size_t at = 0; at < answer_.size();) {
        const ssize_t n = ::send(client, answer_.data() + at, answer_.size() - at, MSG_NOSIGNAL);
        if (n <= 0) break;
        at += static_cast<size_t>(n);
      }
      ::close(client);
    }
  }

  const std::string answer_;
  int fd_ = -1;
  std::thread thread_;
};

std::string Http(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + " X\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

std::string Failed(const std::string& code) {
  return "<?xml version=\"1.0\"?>\n<Error><Code>" + code +
         "</Code><Message>in its words</Message></Error>";
}

Result<Page> ListOf(const std::string& answer) {
  const Scripted store(answer);
  auto bucket =
      Open({.url = "s3://b/p", .endpoint = store.endpoint}, {"id", "secret"}, {.call_ms = 3000});
  EXPECT_TRUE(bucket);
  return (*bucket)->List("");
}

TEST(S3Answers, EachRefusalHasItsReason) {
  const std::pair<std::string, const char*> kCases[] = {
      {Http("403", Failed("RequestTimeTooSkewed")), "ClockSkew"},
      {Http("403", Failed("SignatureDoesNotMatch")), "WrongSecretKey"},
      {Http("403", Failed("InvalidAccessKeyId")), "UnknownAccessKey"},
      {Http("400", Failed("AuthorizationHeaderMalformed")), "WrongRegion"},
      {Http("301", Failed("PermanentRedirect")), "WrongRegion"},
      {Http("404", Failed("NoSuchBucket")), "NoSuchBucket"},
      {Http("403", Failed("QuotaExceeded")), "StoreFull"},
      {Http("507", Failed("InsufficientStorage")), "StoreFull"},
      {Http("503", Failed("SlowDown")), "Busy"},
      {Http("500", Failed("InternalError")), "StoreFailed"},
      {Http("403", ""), "AccessDenied"},
      {Http("502", "<html>bad gateway</html>"), "StoreFailed"},
      {Http("200", "{}"), "StoreFailed"},
      {Http("200", "<ListBucketResult><Contents><Key>q/x</Key></Contents></ListBucketResult>"),
       "StoreFailed"},
      {Http("200", std::string(10 << 20, 'x')), "StoreFailed"},
      {"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n<ListBuck", "Unreachable"},
      {"HTTP/1.1 2", "Unreachable"},
      {"", "Unreachable"},
  };
  for (const auto& [answer, reason] : kCases) {
    const auto page = ListOf(answer);
    ASSERT_FALSE(page) << answer.substr(0, 200);
    EXPECT_EQ(page.error().reason, reason) << answer.substr(0, 200) << page.error().message;
    EXPECT_EQ(page.error().message.find("secret_"), std::string::npos);
  }
  EXPECT_NE(ListOf(Http("500", Failed("Odd"))).error().message.find("500 Odd: in its words"),
            std::string::npos);
}

TEST(S3Answers, APageNamesItsObjectsAndTheNext) {
  const auto page = ListOf(
      Http("200",
           "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>p/a</Key><Size>7</Size>"
           "</Contents><Contents><Key>p/b &amp; c</Key><Size>0</Size></Contents>"
           "<NextContinuationToken>t=</NextContinuationToken></ListBucketResult>"));
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->objects.size(), 2u);
  EXPECT_EQ(page->objects[0].key, "a");
  EXPECT_EQ(page->objects[0].bytes, 7);
  EXPECT_EQ(page->objects[1].key, "b & c");
  EXPECT_EQ(page->next, "t=");
}

TEST(S3Answers, AStoreThatIsSilentEndsByTheLimit) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&at), size), 0);
  ASSERT_EQ(::listen(fd, 8), 0);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
  const std::string silent = "http://127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  const auto reason = [](const std::string& endpoint, const Limits& limits) {
    auto bucket = Open({.url = "s3://b", .endpoint = endpoint}, {"id", "secret"}, limits);
    EXPECT_TRUE(bucket);
    return (*bucket)->List("").error().reason;
  };
  EXPECT_EQ(reason(silent, {.call_ms = 200}), "Timeout");
  const std::atomic<bool> cancelled{true};
  EXPECT_EQ(reason(silent, {.call_ms = 60'000, .cancelled = &cancelled}), "Cancelled");
  ::close(fd);
  EXPECT_EQ(reason(silent, {.call_ms = 3000}), "Unreachable");
  EXPECT_EQ(reason("http://store.invalid", {.call_ms = 10'000}), "NoSuchHost");
}

}  // namespace
}  // namespace slipway::bucket
