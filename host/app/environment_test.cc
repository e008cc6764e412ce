#include "app/environment.h"

#include <gtest/gtest.h>

namespace slipway::app {
namespace {

TEST(Environment, AMisspeltVariableIsNamedWithTheOneThatWasMeant) {
  const std::vector<std::string> known{"SLIPWAY_LISTEN_PORT", "SLIPWAY_DATA_DIR"};
  EXPECT_EQ(UnknownVariables({{"SLIPWAY_LISTEN_PROT", "1"},
                              {"SLIPWAY_DATADIR", "/x"},
                              {"SLIPWAY_DATA_DIR", "/x"},
                              {"SLIPWAY_SOMETHING_ELSE", "1"},
                              {"PATH", "/bin"}},
                             known),
            (std::vector<std::string>{
                "SLIPWAY_DATADIR: is not a setting; did you mean SLIPWAY_DATA_DIR?",
                "SLIPWAY_LISTEN_PROT: is not a setting; did you mean SLIPWAY_LISTEN_PORT?",
                "SLIPWAY_SOMETHING_ELSE: is not a setting"}));
}

// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
TEST(Environment, VariablesThatKubernetesSetsForAServiceAreNoMistakes) {
  for (const std::string service : {"SLIPWAY", "SLIPWAY_API"}) {
    const std::map<std::string, std::string> links{
        {service + "_SERVICE_HOST", "10.0.0.11"},
        {service + "_SERVICE_PORT", "7420"},
        {service + "_SERVICE_PORT_HTTP", "7420"},
        {service + "_PORT", "tcp://10.0.0.11:7420"},
        {service + "_PORT_7420_TCP", "tcp://10.0.0.11:7420"},
        {service + "_PORT_7420_TCP_PROTO", "tcp"},
        {service + "_PORT_7420_TCP_PORT", "7420"},
        {service + "_PORT_7420_TCP_ADDR", "10.0.0.11"}};
    EXPECT_TRUE(UnknownVariables(links, {}).empty()) << service;
  }
  EXPECT_EQ(UnknownVariables({{"SLIPWAY_PORT", "7420"}}, {"SLIPWAY_LISTEN_PORT"}).size(), 1u);
}

}  // namespace
}  // namespace slipway::app
