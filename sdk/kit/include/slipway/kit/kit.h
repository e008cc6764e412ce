// All of the kit.
#pragma once
#include <slipway/kit/deletion.h>
#include <slipway/kit/documents.h>
#include <slipway/kit/engine.h>
#include <slipway/kit/json.h>
#include <slipway/kit/parameters.h>
#include <slipway/kit/pods.h>
#include <slipway/kit/quantity.h>
#include <slipway/kit/request.h>
#include <slipway/kit/secrets.h>
#include <slipway/kit/verdict.h>
