/* An address within the code, which the dynamic linker must write there. */
extern int slipway_test_relocated(void);

int slipway_test_relocated(void) {
  void* address;
  __asm__("movabs $slipway_test_relocated, %0" : "=r"(address));
  return address != 0;
}
