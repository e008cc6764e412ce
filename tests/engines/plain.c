/* The smallest engine there is, in C. */
#include <string.h>

#include <slipway/engine.h>

static int32_t Write(const slipway_call* call, const char* text) {
  const slipway_bytes bytes = {text, strlen(text)};
  return call->write(call, bytes);
}

static int32_t Open(const slipway_call* call, slipway_bytes config, slipway_engine** out) {
  static int object;
  (void)call;
  (void)config;
  *out = (slipway_engine*)&object;
  return SLIPWAY_OK;
}

static void Close(slipway_engine* engine) {
  (void)engine;
}

static int32_t Describe(const slipway_engine* engine, const slipway_call* call) {
  (void)engine;
  return Write(call, "{\"schema\":1,\"engine\":\"" SLIPWAY_ENGINE_NAME
                     "\",\"version\":\"" SLIPWAY_ENGINE_VERSION
                     "\",\"title\":\"Plain "
                     "C\",\"database_type\":\"PLAIN\",\"verbs\":[\"create\"],\"capabilities\":{},"
                     "\"name_limit\":40,\"parameters_schema\":{},\"watches\":[],\"applies\":[]}");
}

static int32_t Answer(const slipway_engine* engine, const slipway_call* call, slipway_bytes input) {
  (void)engine;
  (void)input;
  return Write(call,
               "{\"schema\":1,\"spec\":{\"tier\":\"FREE\",\"instances\":1,\"storage\":"
               "\"1Gi\",\"memory\":\"256Mi\",\"cpu\":\"100m\"},\"stages\":[],\"verdict\":{"
               "\"state\":\"ready\"}}");
}

static const slipway_engine_api kTable = {sizeof(slipway_engine_api),
                                          SLIPWAY_ABI_MAJOR,
                                          SLIPWAY_ABI_MINOR,
                                          Open,
                                          Close,
                                          Describe,
                                          Answer,
                                          Answer,
                                          Answer};

SLIPWAY_NOTE(SLIPWAY_ENGINE_NAME, SLIPWAY_ENGINE_VERSION);

SLIPWAY_EXPORT const slipway_engine_api* slipway_engine_v1(uint16_t host_abi_minor);

SLIPWAY_EXPORT const slipway_engine_api* slipway_engine_v1(uint16_t host_abi_minor) {
  (void)host_abi_minor;
  return &kTable;
}
