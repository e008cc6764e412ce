/* The layout of ABI 1.0, as bytes. Lines may be added, never changed. C11 and C++. */
#pragma once

#include <stddef.h>

#include <slipway/engine.h>

#ifdef __cplusplus
#define LAYOUT(condition) static_assert(condition, #condition)
#else
#define LAYOUT(condition) _Static_assert(condition, #condition)
#endif

LAYOUT(sizeof(void*) == 8);
LAYOUT(sizeof(slipway_bytes) == 16);
LAYOUT(offsetof(slipway_bytes, data) == 0);
LAYOUT(offsetof(slipway_bytes, size) == 8);

LAYOUT(offsetof(slipway_failure, struct_size) == 0);
LAYOUT(offsetof(slipway_failure, code) == 4);
LAYOUT(offsetof(slipway_failure, flags) == 8);
LAYOUT(offsetof(slipway_failure, retry_after_ms) == 16);
LAYOUT(offsetof(slipway_failure, reason) == 24);
LAYOUT(offsetof(slipway_failure, message) == 40);
LAYOUT(offsetof(slipway_failure, field) == 56);
LAYOUT(sizeof(slipway_failure) >= 72);

LAYOUT(offsetof(slipway_call, struct_size) == 0);
LAYOUT(offsetof(slipway_call, host) == 8);
LAYOUT(offsetof(slipway_call, now_ms) == 16);
LAYOUT(offsetof(slipway_call, deadline_ms) == 24);
LAYOUT(offsetof(slipway_call, trace_id) == 32);
LAYOUT(offsetof(slipway_call, write) == 48);
LAYOUT(offsetof(slipway_call, fail) == 56);
LAYOUT(offsetof(slipway_call, log) == 64);
LAYOUT(offsetof(slipway_call, cancelled) == 72);
LAYOUT(sizeof(slipway_call) >= 80);

LAYOUT(offsetof(slipway_engine_api, struct_size) == 0);
LAYOUT(offsetof(slipway_engine_api, abi_major) == 4);
LAYOUT(offsetof(slipway_engine_api, abi_minor) == 6);
LAYOUT(offsetof(slipway_engine_api, open) == 8);
LAYOUT(offsetof(slipway_engine_api, close) == 16);
LAYOUT(offsetof(slipway_engine_api, describe) == 24);
LAYOUT(offsetof(slipway_engine_api, validate) == 32);
LAYOUT(offsetof(slipway_engine_api, plan) == 40);
LAYOUT(offsetof(slipway_engine_api, step) == 48);
LAYOUT(sizeof(slipway_engine_api) >= 56);

LAYOUT(sizeof(slipway_note) == 80);
LAYOUT(SLIPWAY_OK == 0);
LAYOUT(SLIPWAY_INVALID == 1);
LAYOUT(SLIPWAY_UNSUPPORTED == 2);
LAYOUT(SLIPWAY_PRECONDITION == 3);
LAYOUT(SLIPWAY_CANCELLED == 4);
LAYOUT(SLIPWAY_EXHAUSTED == 5);
LAYOUT(SLIPWAY_INTERNAL == 6);
LAYOUT(SLIPWAY_LOG_DEBUG == 0);
LAYOUT(SLIPWAY_LOG_ERROR == 3);
LAYOUT(SLIPWAY_RETRYABLE == 1);
LAYOUT(SLIPWAY_ABI_MAJOR == 1);

#undef LAYOUT
