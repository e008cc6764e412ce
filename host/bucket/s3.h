#pragma once

#include <memory>
#include <string>

#include "bucket/bucket.h"

namespace slipway::bucket {

// A bucket by the REST API of S3, with path-style addresses and signature version 4.
Result<std::unique_ptr<Bucket>> OpenS3(const Place& place, const Keys& keys, const Limits& limits);

}  // namespace slipway::bucket
