// Lists in pages, and what the headers of requests and answers say.
#include <algorithm>
#include <unistd.h>

#include <gtest/gtest.h>

#include "kube/client_test_support.h"
#include "kube/warnings.h"

namespace slipway::kube {
namespace {

std::string PageBody(const std::string& next, const std::string& items) {
  return R"({"metadata":{"resourceVersion":"10","continue":")" + next + R"("},"items":[)" + items +
         "]}";
}

constexpr const char* kItemA = R"({"metadata":{"name":"a"}})";
constexpr const char* kItemB = R"({"metadata":{"name":"b"}})";

TEST_F(ClientTest, ListFollowsPages) {
  Serve([&](const Request& r, Connection& c) {
    const auto token = r.query.find("continue");
    if (token == r.query.end()) return c.Reply(200, PageBody("t&1", kItemA));
    EXPECT_EQ(token->second, "t&1");
    EXPECT_FALSE(r.query.contains("resourceVersion")) << "the token says it";
    c.Reply(200, PageBody("", kItemB));
  });
  const auto list = client_->List("v1", "ConfigMap", "",
                                  {.label_selector = "a=b,c",
                                   .field_selector = "",
                                   .page_size = 1,
                                   .resource_version = "9",
                                   .resource_version_match = "NotOlderThan"});
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->items.size(), 2u);
  EXPECT_EQ(list->items[0]["kind"].AsString(), "ConfigMap");
  EXPECT_EQ(list->items[1]["apiVersion"].AsString(), "v1");
  EXPECT_EQ(list->resource_version, "10");
  EXPECT_EQ(Last().query.at("labelSelector"), "a=b,c");
  EXPECT_EQ(Last().query.at("limit"), "1");
  EXPECT_EQ(Last().path, "/api/v1/configmaps");
  const Request first = server_->requests()[1];
  EXPECT_EQ(first.query.at("resourceVersion"), "9");
  EXPECT_EQ(first.query.at("resourceVersionMatch"), "NotOlderThan");
}

TEST_F(ClientTest, AListWhoseTokenHasExpiredIsAskedForAsAWhole) {
  Serve([&](const Request& r, Connection& c) {
    if (r.query.contains("continue"))
      return c.Reply(410, StatusBody(410, "Expired", "The provided continue parameter is too old"));
    if (r.query.contains("limit")) return c.Reply(200, PageBody("t", kItemA));
    c.Reply(200, PageBody("", std::string(kItemA) + "," + kItemB));
  });
  const auto list = client_->List("v1", "ConfigMap", "", {.page_size = 1});
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->items.size(), 2u);
  EXPECT_EQ(server_->requests().size(), 4u);
}

TEST(Warnings, ReadTheTextOutOfTheHeader) {
  EXPECT_EQ(WarningText(R"(299 - "v1 ComponentStatus is deprecated")"),
            "v1 ComponentStatus is deprecated");
  EXPECT_EQ(WarningText(R"(299 kube "say \"hi\"" "Sat, 01 Jan 2026 00:00:00 GMT")"), "say \"hi\"");
  EXPECT_EQ(WarningText(R"(110 - "Response is stale")"), "") << "another's warning";
  EXPECT_EQ(WarningText("299 -"), "");
}

TEST_F(ClientTest, EachWarningIsLoggedOnce) {
  Serve([](const Request&, Connection& c) {
    c.Reply(200, "{}", "Warning: 299 - \"one\"\r\nWarning: 299 - \"two\"\r\n");
  });
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  Logger log(clock_, fds[1], Logger::Format::kJson, Logger::Level::kWarn);
  Client client(server_->config(), FastOptions(), clock_, log, metrics_);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(client.Get(kRef));
  ::close(fds[1]);
  std::string text(4096, ' ');
  text.resize(static_cast<size_t>(::read(fds[0], text.data(), text.size())));
  ::close(fds[0]);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
  EXPECT_NE(text.find("one"), std::string::npos);
  EXPECT_NE(text.find("two"), std::string::npos);
}

TEST_F(ClientTest, SaysWhoItIsAndForWhom) {
  Serve([](const Request&, Connection& c) { c.Reply(200, "{}"); },
        [](Config& config, ClientOptions& options) {
          options.user_agent = "slipwayd/1.2.3";
          config.as = {.user = "dave", .uid = "1", .groups = {"g"}, .extra = {{"a/b", {"c"}}}};
        });
  ASSERT_TRUE(client_->Get(kRef));
  const Request request = Last();
  EXPECT_TRUE(request.headers.at("user-agent").starts_with("slipwayd/1.2.3 (linux/"));
  EXPECT_EQ(request.headers.at("impersonate-user"), "dave");
  EXPECT_EQ(request.headers.at("impersonate-uid"), "1");
  EXPECT_EQ(request.headers.at("impersonate-group"), "g");
  EXPECT_EQ(request.headers.at("impersonate-extra-a%2fb"), "c");
}

}  // namespace
}  // namespace slipway::kube
