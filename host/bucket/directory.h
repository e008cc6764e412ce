#pragma once

#include <memory>
#include <string>

#include "bucket/bucket.h"

namespace slipway::bucket {

// Objects as files. `path` is absolute; it is made when the first object is put.
std::unique_ptr<Bucket> OpenDirectory(const std::string& path);

}  // namespace slipway::bucket
