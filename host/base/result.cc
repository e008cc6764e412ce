#include "base/result.h"

namespace slipway {

const char* CodeName(Code code) {
  switch (code) {
    case Code::kInvalid:
      return "Invalid";
    case Code::kUnauthenticated:
      return "Unauthenticated";
    case Code::kForbidden:
      return "Forbidden";
    case Code::kNotFound:
      return "NotFound";
    case Code::kConflict:
      return "Conflict";
    case Code::kAlreadyExists:
      return "AlreadyExists";
    case Code::kGone:
      return "Gone";
    case Code::kPrecondition:
      return "Precondition";
    case Code::kUnsupported:
      return "Unsupported";
    case Code::kNotImplemented:
      return "NotImplemented";
    case Code::kExhausted:
      return "Exhausted";
    case Code::kUnavailable:
      return "Unavailable";
    case Code::kDeadline:
      return "Deadline";
    case Code::kCancelled:
      return "Cancelled";
    case Code::kInternal:
      return "Internal";
  }
  return "Internal";
}

}  // namespace slipway
