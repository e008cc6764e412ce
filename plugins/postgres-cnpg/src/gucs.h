// The allow-list of PostgreSQL settings and the list of refused ones.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace cnpg {

enum class GucType { kInt, kReal, kBool, kEnum, kMemory, kTime, kText };

struct Guc {
  std::string_view name;
  GucType type;
  // kInt: as is. kReal: thousandths. kMemory: kB. kTime: ms. Unused otherwise.
  int64_t min = 0;
  int64_t max = 0;
  // kEnum: the values, separated by '|'. kTime: unused.
  std::string_view values = {};
  int64_t base_ms = 1;  // kTime: what a bare number counts
};

struct RefusedGuc {
  std::string_view name;
  std::string_view why;
};

std::span<const Guc> AllowedGucs();
// The reason why the operator or the platform owns `name`; empty when neither does.
std::string_view WhyRefused(std::string_view name);

}  // namespace cnpg
