/* An engine as somebody built it against version 1.0 of the header, and of the documents: it knows
 * nothing of what came later. A "database" is one ConfigMap. Not to be changed. */
#include <stdint.h>
#include <string.h>

#include "engine.h"

static int32_t write_text(const slipway_call* call, const char* text) {
  const slipway_bytes bytes = {text, strlen(text)};
  return call->write(call, bytes);
}

static int says(slipway_bytes input, const char* word) {
  const uint64_t length = strlen(word);
  uint64_t i;
  for (i = 0; i + length <= input.size; ++i) {
    if (memcmp(input.data + i, word, length) == 0) return 1;
  }
  return 0;
}

static int32_t open_engine(const slipway_call* call, slipway_bytes config, slipway_engine** out) {
  static int object;
  (void)call;
  (void)config;
  *out = (slipway_engine*)&object;
  return SLIPWAY_OK;
}

static void close_engine(slipway_engine* engine) {
  (void)engine;
}

static int32_t describe(const slipway_engine* engine, const slipway_call* call) {
  (void)engine;
  return write_text(
      call,
      "{\"schema\":1,\"engine\":\"frozen\",\"version\":\"1.0.0\",\"title\":\"Built long ago\","
      "\"database_type\":\"FROZEN\",\"verbs\":[\"create\",\"delete\"],\"capabilities\":{},"
      "\"name_limit\":40,\"parameters_schema\":{\"type\":\"object\"},"
      "\"watches\":[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"}],"
      "\"applies\":[\"v1/ConfigMap\"]}");
}

static int32_t validate(const slipway_engine* engine, const slipway_call* call,
                        slipway_bytes input) {
  (void)engine;
  if (says(input, "\"wrong\"")) {
    slipway_failure failure;
    memset(&failure, 0, sizeof failure);
    failure.struct_size = sizeof failure;
    failure.code = SLIPWAY_INVALID;
    failure.reason.data = "FieldWrong";
    failure.reason.size = 10;
    failure.message.data = "wrong is not allowed";
    failure.message.size = 20;
    failure.field.data = "/wrong";
    failure.field.size = 6;
    return call->fail(call, &failure);
  }
  return write_text(call,
                    "{\"schema\":1,\"spec\":{\"tier\":\"FREE\",\"instances\":1,\"storage\":\"1Gi\","
                    "\"memory\":\"1Gi\",\"cpu\":\"1\"},\"warnings\":[]}");
}

static int32_t plan(const slipway_engine* engine, const slipway_call* call, slipway_bytes input) {
  (void)engine;
  if (says(input, "\"verb\":\"delete\"")) {
    return write_text(call,
                      "{\"schema\":1,\"stages\":[{\"name\":\"RESOURCE_DELETION\"}],\"carry\":{}}");
  }
  return write_text(
      call,
      "{\"schema\":1,\"stages\":[{\"name\":\"CRD_DEPLOYMENT\"},"
      "{\"name\":\"WAITING_FOR_READY\"}],\"quota\":{\"pods\":\"1\"},\"carry\":{\"k\":1}}");
}

static int32_t step(const slipway_engine* engine, const slipway_call* call, slipway_bytes input) {
  (void)engine;
  if (says(input, "RESOURCE_DELETION")) {
    return write_text(call,
                      "{\"schema\":1,\"delete\":[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\","
                      "\"name\":\"frozen\"}],\"verdict\":{\"state\":\"ready\"}}");
  }
  if (says(input, "\"kind\":\"ConfigMap\"")) {
    return write_text(call, "{\"schema\":1,\"verdict\":{\"state\":\"ready\"}}");
  }
  return write_text(
      call,
      "{\"schema\":1,\"apply\":[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\","
      "\"metadata\":{\"name\":\"frozen\"},\"data\":{\"a\":\"b\"}}],"
      "\"verdict\":{\"state\":\"progressing\",\"reason\":\"ConfigMap\",\"message\":\"soon\","
      "\"waitingFor\":{\"kind\":\"ConfigMap\",\"name\":\"frozen\"}}}");
}

static const slipway_engine_api table = {
    sizeof(slipway_engine_api), 1, 0, open_engine, close_engine, describe, validate, plan, step};

SLIPWAY_NOTE("frozen", "1.0.0");

SLIPWAY_EXPORT const slipway_engine_api* slipway_engine_v1(uint16_t host_abi_minor);

SLIPWAY_EXPORT const slipway_engine_api* slipway_engine_v1(uint16_t host_abi_minor) {
  (void)host_abi_minor;
  return &table;
}
