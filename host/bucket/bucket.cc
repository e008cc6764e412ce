#include "bucket/bucket.h"

#include <algorithm>

#include "base/crypto.h"
#include "bucket/directory.h"
#include "bucket/s3.h"

namespace slipway::bucket {
namespace {

constexpr std::string_view kDirectory = "file://", kS3 = "s3://";

Error Invalid(const char* reason, const std::string& message) {
  return Error{Code::kInvalid, reason, message};
}

Error During(const char* what, Error error) {
  error.message = std::string("cannot ") + what + ": " + error.message;
  return error;
}

Result<void> Listed(Bucket& bucket, const std::string& key) {
  auto page = bucket.List(key);
  if (!page) return During("list objects", std::move(page).error());
  const auto& objects = page->objects;
  if (std::any_of(objects.begin(), objects.end(), [&](const Object& o) { return o.key == key; }))
    return {};
  return Error{Code::kUnavailable, "StoreFailed",
               "cannot list objects: one that was just put is missing in the list"};
}

Result<void> ReadBack(Bucket& bucket, const std::string& key, const std::string& bytes) {
  auto read = bucket.Get(key, 2 * bytes.size());
  if (!read) return During("get an object", std::move(read).error());
  if (*read == bytes) return {};
  return Error{Code::kUnavailable, "StoreFailed",
               "cannot get an object: it came back with other bytes"};
}

}  // namespace

Result<std::unique_ptr<Bucket>> Open(const Place& place, const Keys& keys, const Limits& limits) {
  const std::string_view url = place.url;
  if (url.starts_with(kDirectory) && url.substr(kDirectory.size()).starts_with('/'))
    return OpenDirectory(std::string(url.substr(kDirectory.size())));
  if (!url.starts_with(kS3))
    return Invalid("InvalidUrl", "the url must look like s3://bucket/prefix or file:///directory");
  return OpenS3(place, keys, limits);
}

Result<void> Probe(Bucket& bucket) {
  const std::string key = ".slipway-probe-" + RandomAlnum(20), bytes = RandomAlnum(64);
  if (auto put = bucket.Put(key, bytes); !put) return During("put an object", put.error());
  auto seen = ReadBack(bucket, key, bytes);
  if (seen) seen = Listed(bucket, key);
  auto deleted = bucket.Delete(key);  // whatever else the store refuses
  if (!seen) return seen;
  if (!deleted) return During("delete an object", deleted.error());
  return {};
}

}  // namespace slipway::bucket
