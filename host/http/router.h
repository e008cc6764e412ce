#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/server.h"

namespace slipway::http {

// Maps a method and decoded path segments to a route number. Filled at start-up, then immutable:
// any thread may call Match. It has no regular expressions, so no input makes it slow or deep.
class Router {
 public:
  enum class Outcome { kFound, kNotFound, kMethodNotAllowed };

  struct Found {
    Outcome outcome = Outcome::kNotFound;
    size_t route = 0;
    Pairs params;       // template name → decoded segment, in path order
    std::string allow;  // kMethodNotAllowed and OPTIONS: "GET, HEAD, OPTIONS"
  };

  Router();
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // `path_template` is "/v1/instances/{id}"; a segment is literal or "{name}". False when it is
  // malformed or the path already has this method. Both are mistakes in the table; the caller
  // CHECKs.
  bool Add(std::string_view method, std::string_view path_template, size_t route);

  // A literal segment wins over a parameter; if the literal branch has no match, the parameter is
  // tried. A parameter never matches an empty segment. HEAD finds GET's route. OPTIONS on a known
  // path gives kMethodNotAllowed with the Allow list, unless a route was added for it; the caller
  // answers 204.
  Found Match(std::string_view method, const std::vector<std::string>& segments) const;

 private:
  struct Node;
  std::unique_ptr<Node> root_;
};

}  // namespace slipway::http
