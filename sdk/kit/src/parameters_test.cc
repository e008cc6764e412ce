#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <slipway/kit/parameters.h>

namespace slipway::kit {
namespace {

constexpr Parameter kAllowed[] = {{"connections", ParameterType::kInt, 10, 20},
                                  {"net.port.range", ParameterType::kInt, 0, 9}};
constexpr Refused kRefused[] = {{"fsync|full_page_writes", "it loses data"},
                                {"net.tls.", "TLS is the platform's"}};
constexpr ParameterList kList{kAllowed, kRefused};

std::vector<std::string> Mistakes(const char* given) {
  std::vector<std::string> out;
  const auto values = ReadParameters(
      kList, Json::Parse(given),
      [&](const std::string& pointer, const std::string& reason, const std::string& message) {
        out.push_back(pointer + " " + reason + ": " + message);
      });
  EXPECT_EQ(values.has_value(), out.empty()) << given;
  return out;
}

TEST(Parameters, ARefusedNameSaysWhy) {
  EXPECT_EQ(Mistakes(R"({"full_page_writes":"off"})"),
            (std::vector<std::string>{"/parameters/full_page_writes ParameterNotAllowed: the "
                                      "parameter full_page_writes cannot be set: it loses data"}));
  EXPECT_EQ(Mistakes(R"({"net.tls.mode":"off"})").size(), 1U);
  EXPECT_NE(Mistakes(R"({"net.tls.mode":"off"})")[0].find("TLS is the platform's"),
            std::string::npos);
}

TEST(Parameters, OnlyWholeNamesAndPrefixesWithADotAreRefused) {
  EXPECT_NE(Mistakes(R"({"full_page":"off"})")[0].find("UnknownParameter"), std::string::npos);
  EXPECT_NE(Mistakes(R"({"net.tls":"off"})")[0].find("UnknownParameter"), std::string::npos);
  EXPECT_TRUE(Mistakes(R"({"net.port.range":3,"connections":"15"})").empty());
}

TEST(Parameters, EveryMistakeIsReported) {
  EXPECT_EQ(Mistakes(R"({"fsync":1,"connections":5,"x":{},"net.port.range":[]})").size(), 4U);
}

}  // namespace
}  // namespace slipway::kit
