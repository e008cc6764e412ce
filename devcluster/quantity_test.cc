#include "devcluster/quantity.h"

#include <gtest/gtest.h>

namespace slipway::sim {
namespace {

TEST(QuantityTest, SumsOfThousandthsAreExact) {
  for (const char* one : {"2100m", "0.1", "100m", "1.7", "333m"}) {
    const long double amount = Quantity::Parse(one)->milli;
    Quantity sum;
    for (int i = 0; i < 3; ++i) sum.milli += amount;
    EXPECT_EQ(sum.milli, Quantity::Parse(sum.Text())->milli) << one;
  }
  EXPECT_EQ(Quantity::Parse("2100m")->milli * 3, Quantity::Parse("6300m")->milli);
}

TEST(QuantityTest, WhatIsSmallerThanAThousandthStays) {
  EXPECT_LT(Quantity::Parse("1u")->milli, 1);
  EXPECT_GT(Quantity::Parse("1u")->milli, 0);
  EXPECT_EQ(Quantity::Parse("1500u")->Text(), "1500u");
}

}  // namespace
}  // namespace slipway::sim
