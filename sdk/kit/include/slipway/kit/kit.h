// All of the kit.
#pragma once
#include <slipway/kit/backups.h>
#include <slipway/kit/changes.h>
#include <slipway/kit/cron.h>
#include <slipway/kit/deletion.h>
#include <slipway/kit/documents.h>
#include <slipway/kit/engine.h>
#include <slipway/kit/json.h>
#include <slipway/kit/objects.h>
#include <slipway/kit/parameters.h>
#include <slipway/kit/pods.h>
#include <slipway/kit/quantity.h>
#include <slipway/kit/request.h>
#include <slipway/kit/secrets.h>
#include <slipway/kit/step.h>
#include <slipway/kit/time.h>
#include <slipway/kit/verdict.h>
