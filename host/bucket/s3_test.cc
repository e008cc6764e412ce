// On a real object store, which tests/realparts/with_object_store starts around this program.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>

#include <curl/curl.h>
#include <gtest/gtest.h>

#include "bucket/bucket.h"

namespace slipway::bucket {
namespace {

std::string Told(const char* name) {
  const char* value = std::getenv((std::string("SLIPWAY_TEST_OBJECT_STORE_") + name).c_str());
  return value == nullptr ? "" : value;
}

Place At(const std::string& prefix) {
  std::ifstream ca(Told("CA"));
  return {.url = "s3://" + Told("BUCKET") + "/" + prefix,
          .endpoint = Told("URL"),
          .region = Told("REGION"),
          .ca = {std::istreambuf_iterator<char>(ca), {}}};
}

Keys Ours() {
  return {Told("ACCESS_KEY"), Told("SECRET_KEY")};
}

std::unique_ptr<Bucket> Opened(const Place& place, const Keys& keys = Ours(),
                               int64_t call_ms = 10'000) {
  auto bucket = Open(place, keys, {.call_ms = call_ms});
  EXPECT_TRUE(bucket) << bucket.error().message;
  return bucket ? *std::move(bucket) : nullptr;
}

std::string ReasonOf(const Place& place, const Keys& keys = Ours()) {
  const auto probed = Probe(*Opened(place, keys, 3000));
  return probed ? "" : probed.error().reason + ": " + probed.error().message;
}

// Sends a fault to the proxy before the store, as JSON; "" takes all of them away.
void Fault(const std::string& fault) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(),
                                                                 curl_easy_cleanup);
  const std::string url = Told("PROXY_URL") + "/_faults";
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(curl.get(), CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, fault.empty() ? "DELETE" : "PUT");
  if (!fault.empty()) curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, fault.c_str());
  curl_easy_setopt(
      curl.get(), CURLOPT_WRITEFUNCTION,
      +[](char*, size_t size, size_t count, void*) { return size * count; });
  ASSERT_EQ(curl_easy_perform(curl.get()), CURLE_OK);
}

TEST(S3, ObjectsComeBackAsTheyWerePut) {
  const auto bucket = Opened(At("round/trip"));
  const std::string bytes("\0\r\n\xff", 4);
  for (const char* key : {"plain", "with space", "a/b/c", "+&=?#%2F~!'()*,:;@$[]", "\xc3\xa9"}) {
    ASSERT_TRUE(bucket->Put(key, bytes)) << key;
    const auto read = bucket->Get(key, 4);
    ASSERT_TRUE(read) << key << ": " << read.error().message;
    EXPECT_EQ(*read, bytes) << key;
    const auto page = bucket->List(key);
    ASSERT_TRUE(page) << key << ": " << page.error().message;
    ASSERT_EQ(page->objects.size(), 1u) << key;
    EXPECT_EQ(page->objects[0].key, key);
    EXPECT_EQ(page->objects[0].bytes, 4);
    EXPECT_TRUE(bucket->Delete(key)) << key;
    EXPECT_TRUE(bucket->Delete(key)) << key;
    EXPECT_EQ(bucket->Get(key, 4).error().reason, "NoSuchObject") << key;
  }
  ASSERT_TRUE(bucket->Put("empty", ""));
  EXPECT_EQ(*bucket->Get("empty", 0), "");
  ASSERT_TRUE(bucket->Put("large", std::string(3 << 20, 'x'))) << "curl asks first from 1 MiB on";
  EXPECT_EQ(bucket->Get("large", 100).error().reason, "ObjectTooLarge");
  EXPECT_EQ(bucket->Get("large", 4 << 20)->size(), size_t{3} << 20);
}

TEST(S3, AListGoesOverPages) {
  const auto bucket = Opened(At("pages"));
  for (int i = 0; i < 1001; ++i) ASSERT_TRUE(bucket->Put("n" + std::to_string(10'000 + i), "x"));
  const auto first = bucket->List("n");
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_EQ(first->objects.size(), 1000u);
  const auto second = bucket->List("n", first->next);
  ASSERT_TRUE(second) << second.error().message;
  ASSERT_EQ(second->objects.size(), 1u);
  EXPECT_EQ(second->objects[0].key, "n11000");
  EXPECT_EQ(second->next, "");
}

TEST(S3, FoldersAreThoseBetweenThePrefixAndTheNextSlash) {
  const auto bucket = Opened(At("folders"));
  for (const char* key :
       {"top", "acme/one/a", "acme/one/b/c", "acme/two/a", "acme/file", "other/x/y"})
    ASSERT_TRUE(bucket->Put(key, "x"));
  using Texts = std::vector<std::string>;
  const auto top = bucket->Folders("");
  ASSERT_TRUE(top) << top.error().message;
  EXPECT_EQ(top->names, (Texts{"acme/", "other/"}));
  EXPECT_EQ(bucket->Folders("acme/")->names, (Texts{"one/", "two/"}));
  EXPECT_EQ(bucket->Folders("none/")->names, Texts{});
}

TEST(S3, TheProbeSaysWhatIsWrong) {
  EXPECT_EQ(ReasonOf(At("probe")), "");
  EXPECT_TRUE(Opened(At("probe"))->List("")->objects.empty()) << "it leaves nothing";
  EXPECT_TRUE(ReasonOf(At("probe"), {Ours().id, "wrong"}).starts_with("WrongSecretKey"));
  EXPECT_TRUE(ReasonOf(At("probe"), {"nobody", "wrong"}).starts_with("UnknownAccessKey"));
  Place place = At("probe");
  place.url = "s3://" + Told("OTHER_BUCKET");
  EXPECT_TRUE(ReasonOf(place).starts_with("AccessDenied")) << ReasonOf(place);
  place = At("probe");
  place.url = "s3://no-such-bucket";
  EXPECT_TRUE(ReasonOf(place).starts_with("NoSuchBucket")) << ReasonOf(place);
  place = At("probe");
  place.region = "mars-north-1";
  EXPECT_TRUE(ReasonOf(place).starts_with("WrongRegion")) << ReasonOf(place);
  place = At("probe");
  place.endpoint = "http://127.0.0.1:1";
  EXPECT_TRUE(ReasonOf(place).starts_with("Unreachable")) << ReasonOf(place);
  if (Told("CA").empty()) return;
  place = At("probe");
  place.ca.clear();
  EXPECT_TRUE(ReasonOf(place).starts_with("CertificateRefused")) << ReasonOf(place);
}

TEST(S3, TheProbeSaysWhatAStoreRefuses) {
  Place place = At("probe");
  place.endpoint = Told("PROXY_URL");
  const std::pair<const char*, const char*> kCases[] = {
      {R"({"kind":"full","method":"PUT"})", "StoreFull: cannot put an object"},
      {R"({"kind":"quota","method":"PUT"})", "StoreFull: cannot put an object"},
      {R"({"kind":"forbidden","method":"DELETE"})", "AccessDenied: cannot delete an object"},
      {R"({"kind":"busy","method":"GET"})", "Busy: cannot get an object"},
      {R"({"kind":"reset"})", "Unreachable: cannot put an object"},
      {R"({"kind":"latency","seconds":5})", "Timeout: cannot put an object"},
  };
  for (const auto& [fault, words] : kCases) {
    Fault(fault);
    const std::string reason = ReasonOf(place);
    Fault("");
    EXPECT_TRUE(reason.starts_with(words)) << fault << " gives " << reason;
  }
  EXPECT_EQ(ReasonOf(place), "");
}

}  // namespace
}  // namespace slipway::bucket
