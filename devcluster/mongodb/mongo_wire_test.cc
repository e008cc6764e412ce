#include "devcluster/mongodb/mongo_wire.h"

#include <gtest/gtest.h>

namespace slipway::sim::operators::mongodb {
namespace {

using namespace std::string_literals;

TEST(MongodbWire, DocumentsGoThereAndBack) {
  const Json document =
      *Json::Parse(R"({"update":"c","list":[{"q":{"_id":"a"},"upsert":true},"t",7],"none":{}})");
  auto back = FromBson(ToBson(document));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, document);
  EXPECT_EQ(ToBson(Json::Obj({{"a", "b"}})), "\x0e\0\0\0\x02\x61\0\x02\0\0\0b\0\0"s);
}

TEST(MongodbWire, ReadsWhatServersAnswerBesides) {
  // The document is {ok: 1.0, at: a date, id: an object id, data: binary, no: null, code: 11}.
  std::string members = "\x01ok\0\0\0\0\0\0\0\xf0\x3f"s + "\x09" + "at\0"s + std::string(8, '\1') +
                        "\x07id\0"s + std::string(12, '\1') + "\x05" + "data\0\2\0\0\0\0xy"s +
                        "\x0ano\0"s + "\x10" + "code\0\x0b\0\0\0"s;
  const std::string bytes =
      std::string(1, static_cast<char>(members.size() + 5)) + "\0\0\0"s + members + "\0"s;
  auto read = FromBson(bytes);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, *Json::Parse(R"({"ok":1.0,"code":11})"));
}

TEST(MongodbWire, RefusesWhatIsCutOff) {
  const std::string whole = ToBson(Json::Obj({{"text", "abcdef"}, {"number", 7}}));
  for (size_t size = 5; size < whole.size() - 1; ++size) {
    auto read = FromBson(whole.substr(0, size));
    EXPECT_TRUE(!read || read->size() < 2) << size;
  }
}

TEST(MongodbWire, NobodyAnswersWhereNobodyListens) {
  EXPECT_FALSE(AnswersAt("/nonexistent/socket"));
  EXPECT_FALSE(MongoCommand("/nonexistent/socket", Json::Obj({{"ping", 1}})));
}

}  // namespace
}  // namespace slipway::sim::operators::mongodb
