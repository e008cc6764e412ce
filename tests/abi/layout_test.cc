// Compiling is the test: here as C++, and in the other file as C.
#include "layout_test.h"

extern "C" int slipway_layout_as_c(void);

int main() {
  return slipway_layout_as_c() == 80 ? 0 : 1;
}
