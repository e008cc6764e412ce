#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::bucket {

// Where objects are: a bucket of an S3 store, or a directory in its place.
struct Place {
  std::string url = {};       // s3://bucket/prefix or file:///directory
  std::string endpoint = {};  // http:// or https:// of an S3 store; "": AWS's in the region
  std::string region = {};    // "": us-east-1
  std::string ca = {};        // PEM: the authority of the endpoint; "": the system's
};

struct Keys {
  std::string id, secret;  // a directory has none
};

struct Limits {
  int64_t call_ms = 10'000;
  const std::atomic<bool>* cancelled = nullptr;  // once it is true, a call ends within a second
};

struct Object {
  std::string key;  // below the place's prefix
  int64_t bytes = 0;
};

struct Page {
  std::vector<Object> objects;  // in the order of their keys
  std::string next;             // for the next call; "": there is no more
};

struct FolderPage {
  std::vector<std::string> names;  // in their order, each ends with /
  std::string next;                // as in Page
};

// The objects below a place's prefix. A call blocks, for `call_ms` at most. Only one thread at a
// time may use it. Errors, each with words for an operator:
//   kNotFound          NoSuchObject, NoSuchBucket
//   kUnauthenticated   UnknownAccessKey, WrongSecretKey
//   kForbidden         AccessDenied
//   kPrecondition      WrongRegion, ClockSkew, CertificateRefused, NoSuchHost, StoreFull
//   kUnavailable       Unreachable, Busy, StoreFailed
//   kDeadline          Timeout
//   kCancelled         Cancelled
class Bucket {
 public:
  virtual ~Bucket() = default;
  virtual Result<void> Put(const std::string& key, const std::string& bytes) = 0;
  // kExhausted "ObjectTooLarge" when the object has more than `most` bytes.
  virtual Result<std::string> Get(const std::string& key, size_t most) = 0;
  // Keys that begin with `prefix`, up to a thousand per call.
  virtual Result<Page> List(const std::string& prefix, const std::string& next = "") = 0;
  // What the keys that begin with `prefix` have between it and the next /, up to a thousand per
  // call. `prefix` is empty or ends with /.
  virtual Result<FolderPage> Folders(const std::string& prefix, const std::string& next = "") = 0;
  // What is not there is deleted.
  virtual Result<void> Delete(const std::string& key) = 0;
};

// kInvalid "InvalidUrl", "InvalidEndpoint".
Result<std::unique_ptr<Bucket>> Open(const Place& place, const Keys& keys,
                                     const Limits& limits = {});

// Puts an object of its own, reads, lists and deletes it. The error's message says which of these
// the store refused.
Result<void> Probe(Bucket& bucket);

}  // namespace slipway::bucket
