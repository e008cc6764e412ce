#include "engine/text.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace slipway::engine {
namespace {

TEST(Text, MakesForeignTextPrintable) {
  EXPECT_EQ(Printable("a\nb\x1b[2J"), "a b [2J");
  EXPECT_EQ(Printable("\xff\xfe"), "??");
  EXPECT_EQ(Printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(Printable("ab\xc3\xbc", 3), "ab");
}

TEST(Text, IsCutBetweenCharactersWithAMark) {
  EXPECT_EQ(Shortened("short", 4096), "short");
  EXPECT_EQ(Shortened(std::string(4096, 'x'), 4096).size(), 4096u);
  for (const std::string character : {"x", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x90\x98"}) {
    std::string text;
    while (text.size() < 5000) text += character;
    for (size_t limit = 64; limit < 72; ++limit) {
      const std::string cut = Shortened(text, limit);
      EXPECT_LE(cut.size(), limit);
      EXPECT_TRUE(Json::Parse(Json::Quote(cut))) << cut;
      EXPECT_NE(cut.find(" (cut: " + std::to_string(text.size()) + " bytes)"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace slipway::engine
