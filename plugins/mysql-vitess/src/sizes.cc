#include "sizes.h"

namespace vitess {

namespace {

constexpr int64_t kGi = int64_t{1} << 30;
constexpr Sizes kSmall = {{25, 64, 256},
                          {50, 128, 128},
                          {50, 128, 128},
                          {50, 128, 256},
                          {50, 128, 512},
                          {10, 32, 128},
                          1};
constexpr Sizes kMedium = {{100, 256, 512},
                           {50, 128, 128},
                           {50, 128, 128},
                           {250, 512, 1024},
                           {250, 512, 1024},
                           {10, 32, 128},
                           2};
constexpr Sizes kLarge = {{200, 512, 1024},
                          {100, 256, 256},
                          {100, 256, 256},
                          {1000, 1024, 2048},
                          {500, 1024, 2048},
                          {10, 32, 128},
                          4};

}  // namespace

Json Amount::Resources() const {
  return Json::Obj({{"requests", Json::Obj({{"cpu", FromMillis(cpu_millis)},
                                            {"memory", std::to_string(memory_mi) + "Mi"}})},
                    {"limits", Json::Obj({{"memory", std::to_string(memory_limit_mi) + "Mi"}})}});
}

const Sizes& SizesOf(const Database& database) {
  if (database.sizing.memory_bytes < 2 * kGi) return kSmall;
  return database.sizing.memory_bytes < 8 * kGi ? kMedium : kLarge;
}

}  // namespace vitess
