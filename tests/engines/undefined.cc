// It needs a symbol that nobody defines, so the dynamic linker refuses the library.
extern "C" int slipway_test_nobody_defines_this();
extern int slipway_test_undefined;
int slipway_test_undefined = slipway_test_nobody_defines_this();
