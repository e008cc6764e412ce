// crash_test.cc starts this program; an engine may end it. It loads engines and makes one call.
//   engine_crash_child CONFIG_DIR STATE_DIR [abort | TYPE validate|plan|step DOCUMENT]
// It prints one line per engine, "NAME STATE REASON", and one for the call; its log goes to stderr.
// After the call it waits for the end of its standard input.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "engine/registry.h"

int main(int argc, char** argv) {
  ::alarm(120);  // ends in any case, even if the test is gone
  const slipway::SystemClock clock;
  slipway::Logger log(clock, STDERR_FILENO, slipway::Logger::Format::kJson,
                      slipway::Logger::Level::kDebug);
  slipway::Metrics metrics;
  slipway::engine::RegistryOptions options;
  options.config_dir = argv[1];
  options.state_dir = argv[2];
  options.call_timeout_ms = 60'000;
  slipway::engine::Registry registry(options, clock, log, metrics);
  registry.Reload();
  for (const auto& status : registry.List()) {
    std::printf("%s %s %s\n", status.name.c_str(), slipway::engine::EngineStateName(status.state),
                status.reason.c_str());
  }
  std::fflush(stdout);
  if (argc == 4) std::abort();
  if (argc < 6) return 0;
  const auto engine = registry.ForType(argv[3]);
  if (!engine) {
    std::printf("error %s %s\n", engine.error().reason.c_str(), engine.error().message.c_str());
    return 0;
  }
  const std::string function = argv[4];
  const auto input = slipway::Json::Parse(argv[5]);
  const auto answer = function == "validate" ? (*engine)->Validate(*input, nullptr)
                      : function == "plan"   ? (*engine)->Plan(*input)
                                             : (*engine)->Step(*input);
  std::printf("%s\n", answer ? "answered" : answer.error().reason.c_str());
  std::fflush(stdout);
  for (char c = 0; ::read(STDIN_FILENO, &c, 1) > 0;) {
  }
  return 0;
}
