#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "devcluster/status.h"

namespace slipway::sim {

using StringPairs = std::vector<std::pair<std::string, std::string>>;

// A label selector: "a=b,c!=d,e in (f,g),h notin (i),j,!k". Immutable.
class LabelSelector {
 public:
  static Answer<LabelSelector> Parse(std::string_view text);
  bool Matches(const StringPairs& labels) const;

  bool empty() const { return terms_.empty(); }

 private:
  enum class Op { kIn, kNotIn, kExists, kAbsent, kGreater, kLess };

  struct Term {
    std::string key;
    Op op = Op::kExists;
    std::vector<std::string> values;
  };

  std::vector<Term> terms_;
};

// A field selector: "metadata.name=a,status.phase!=Running". Immutable.
class FieldSelector {
 public:
  // `known` are the fields by which the kind can be selected.
  static Answer<FieldSelector> Parse(std::string_view text, const std::vector<std::string>& known);
  bool Matches(const StringPairs& fields) const;

  bool empty() const { return terms_.empty(); }

  // The value that `field` must have; "" when it may have any.
  std::string Required(std::string_view field) const;

 private:
  struct Term {
    std::string field, value;
    bool equal = true;
  };

  std::vector<Term> terms_;
};

}  // namespace slipway::sim
