#include "bucket/bucket.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "bucket/s3_xml.h"

namespace slipway::bucket {
namespace {

namespace fs = std::filesystem;

class DirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "slipway-bucket-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    auto opened = Open({.url = "file://" + root_ + "/made/late"}, {});
    ASSERT_TRUE(opened) << opened.error().message;
    bucket_ = *std::move(opened);
  }

  void TearDown() override { fs::remove_all(root_); }

  std::string Keys(const std::string& prefix) {
    auto page = bucket_->List(prefix);
    if (!page) return page.error().reason;
    std::string out;
    for (const Object& object : page->objects)
      out += object.key + ":" + std::to_string(object.bytes) + " ";
    return out;
  }

  std::string root_;
  std::unique_ptr<Bucket> bucket_;
};

TEST_F(DirectoryTest, ObjectsComeBackAsTheyWerePut) {
  const std::string bytes("\0\r\n\xff", 4);
  EXPECT_EQ(Keys(""), "");
  ASSERT_TRUE(bucket_->Put("a/b", bytes));
  ASSERT_TRUE(bucket_->Put("a/b", bytes + "more"));
  ASSERT_TRUE(bucket_->Put("a.c", ""));
  EXPECT_EQ(*bucket_->Get("a/b", 100), bytes + "more");
  EXPECT_EQ(Keys(""), "a.c:0 a/b:8 ");
  EXPECT_EQ(Keys("a/"), "a/b:8 ");
  ASSERT_TRUE(bucket_->Delete("a/b"));
  ASSERT_TRUE(bucket_->Delete("a/b"));
  EXPECT_EQ(Keys(""), "a.c:0 ");
  EXPECT_EQ(bucket_->Get("a/b", 100).error().reason, "NoSuchObject");
  EXPECT_FALSE(fs::exists(root_ + "/made/late/a")) << "an S3 store has no empty directories";
}

TEST_F(DirectoryTest, AnObjectIsReadUpToALimit) {
  ASSERT_TRUE(bucket_->Put("large", std::string(101, 'x')));
  EXPECT_EQ(bucket_->Get("large", 100).error().reason, "ObjectTooLarge");
  EXPECT_TRUE(bucket_->Get("large", 101));
}

TEST_F(DirectoryTest, NoKeyLeadsOutOfIt) {
  ASSERT_TRUE(bucket_->Put("there", "x"));
  const std::string outside = root_ + "/outside";
  std::ofstream(outside) << "x";
  for (const std::string& key :
       {std::string("../outside"), std::string("a/../../outside"), outside, std::string(""),
        std::string("."), std::string("a//b"), std::string("a/"), std::string("a\0b", 3)}) {
    EXPECT_EQ(bucket_->Put(key, "y").error().reason, "InvalidKey") << key;
    EXPECT_EQ(bucket_->Get(key, 10).error().reason, "InvalidKey") << key;
    EXPECT_EQ(bucket_->Delete(key).error().reason, "InvalidKey") << key;
  }
  EXPECT_TRUE(fs::exists(outside));
}

TEST_F(DirectoryTest, AThousandObjectsFitOnAPage) {
  for (int i = 0; i < 1001; ++i) ASSERT_TRUE(bucket_->Put("n" + std::to_string(10'000 + i), ""));
  auto first = bucket_->List("n");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->objects.size(), 1000u);
  auto second = bucket_->List("n", first->next);
  ASSERT_TRUE(second);
  ASSERT_EQ(second->objects.size(), 1u);
  EXPECT_EQ(second->objects[0].key, "n11000");
  EXPECT_EQ(second->next, "");
}

TEST_F(DirectoryTest, FoldersAreThoseBetweenThePrefixAndTheNextSlash) {
  for (const char* key :
       {"top", "acme/one/a", "acme/one/b/c", "acme/two/a", "acme/file", "other/x/y"})
    ASSERT_TRUE(bucket_->Put(key, "x"));
  using Texts = std::vector<std::string>;
  EXPECT_EQ(bucket_->Folders("")->names, (Texts{"acme/", "other/"}));
  EXPECT_EQ(bucket_->Folders("acme/")->names, (Texts{"one/", "two/"}));
  EXPECT_EQ(bucket_->Folders("acme/", "one/")->names, (Texts{"two/"}));
  EXPECT_EQ(bucket_->Folders("acme/none/")->names, Texts{});
  EXPECT_EQ(bucket_->Folders("../").error().reason, "InvalidKey");
}

TEST_F(DirectoryTest, TheProbeLeavesNothingAndSaysWhatIsRefused) {
  EXPECT_TRUE(Probe(*bucket_));
  EXPECT_EQ(Keys(""), "");
  if (::geteuid() == 0) return;  // root may write everywhere
  ::chmod((root_ + "/made/late").c_str(), 0500);
  const auto refused = Probe(*bucket_);
  ::chmod((root_ + "/made/late").c_str(), 0700);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "AccessDenied");
  EXPECT_NE(refused.error().message.find("cannot put an object"), std::string::npos);
}

// A file stands where the directory should be.
TEST_F(DirectoryTest, AProbeOfAPlaceThatCannotBeSaysSo) {
  std::ofstream(root_ + "/file") << "x";
  auto bucket = Open({.url = "file://" + root_ + "/file/below"}, {});
  ASSERT_TRUE(bucket);
  const auto refused = Probe(**bucket);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("cannot put an object"), std::string::npos)
      << refused.error().message;
}

TEST(Open, RefusesWhatIsNoPlace) {
  for (const char* url :
       {"", "s3:/a", "s3://", "s3:///a", "file://relative", "http://a/b", "gs://a"})
    EXPECT_EQ(Open({.url = url}, {}).error().reason, "InvalidUrl") << url;
  EXPECT_EQ(Open({.url = "s3://a", .endpoint = "store:9000"}, {}).error().reason,
            "InvalidEndpoint");
}

TEST(Xml, GivesTextsWithTheirPaths) {
  const auto texts = ReadXml(
      "<?xml version=\"1.0\"?><A xmlns=\"x\"><B>1 &lt; 2</B><B/><C>\n<D>\xc3\xa9</D></C></A>");
  ASSERT_TRUE(texts);
  EXPECT_EQ(TextAt(*texts, "A/B"), "1 < 2");
  EXPECT_EQ(TextAt(*texts, "A/C/D"), "\xc3\xa9");
  EXPECT_EQ(TextAt(*texts, "A/E"), "");
}

TEST(Xml, RefusesWhatHarms) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  std::string laughs = "<!DOCTYPE l [<!ENTITY a \"ha\">";
  for (char c = 'b'; c < 'm'; ++c)
    laughs += std::string("<!ENTITY ") + c + " \"&" + char(c - 1) + ";&" + char(c - 1) + ";&" +
              char(c - 1) + ";&" + char(c - 1) + ";&" + char(c - 1) + ";&" + char(c - 1) + ";&" +
              char(c - 1) + ";&" + char(c - 1) + ";\">";
  for (const std::string& document : {std::string(""), std::string("<a>"), std::string("{}"), deep,
                                      laughs + "]><l>&l;</l>", std::string("<a>\0</a>", 8)})
    EXPECT_FALSE(ReadXml(document)) << document.substr(0, 40);
}

}  // namespace
}  // namespace slipway::bucket
