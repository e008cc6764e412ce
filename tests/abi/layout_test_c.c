#include "layout_test.h"

int slipway_layout_as_c(void);

int slipway_layout_as_c(void) {
  return (int)sizeof(slipway_note);
}
