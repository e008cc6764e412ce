#include "app/restore_catalogue.h"

#include <cstdio>
#include <unistd.h>

#include "pipeline/catalogue.h"

namespace slipway::app {
namespace {

Result<pipeline::Adopted> Adopt(const Settings& settings, const std::string& store_name) {
  const SystemClock clock;
  Logger log(clock, STDERR_FILENO, Logger::Format::kHuman, Logger::Level::kWarn);
  Metrics metrics;
  TRY(const auto* const place, pipeline::FindStore(settings.backup_stores, store_name));
  TRY(const auto bucket, pipeline::OpenStore(*place, {.call_ms = 30'000}));
  TRY(const auto store,
      store::Store::Open({.directory = settings.data_dir + "/store"}, clock, log, metrics));
  return pipeline::AdoptArchives(*place, *bucket, *store, clock.NowMs());
}

}  // namespace

int RestoreCatalogue(const Settings& settings, const std::string& store_name) {
  const auto adopted = Adopt(settings, store_name);
  if (!adopted) {
    std::fprintf(stderr, "slipwayd: %s: %s\n", adopted.error().reason.c_str(),
                 adopted.error().message.c_str());
    return 1;
  }
  for (const std::string& refused : adopted->refused)
    std::fprintf(stderr, "refused: %s\n", refused.c_str());
  std::printf("%zu instances with %zu backups, %zu known before, %zu refused\n", adopted->instances,
              adopted->backups, adopted->known, adopted->refused.size());
  return adopted->refused.empty() ? 0 : 1;
}

}  // namespace slipway::app
