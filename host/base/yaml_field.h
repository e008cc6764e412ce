#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/yaml.h"

namespace slipway {

// One mistake in a file.
struct YamlProblem {
  std::string pointer;  // of the value, a JSON Pointer
  std::string text;     // "file:3:9: listen.port must be an integer from 0 to 65535"
};

// Reads a YAML document into typed variables. A value of another kind is noted as a problem and
// leaves its variable alone; reading goes on, so that a person sees all mistakes at once. An absent
// value and a null one leave the variable alone, too, and are no problem: a section whose lines are
// all commented out says nothing. The document and the list of problems must outlive the fields.
// One thread.
class YamlField {
 public:
  // The whole document. `file` is for the problems only.
  YamlField(const YamlDocument& document, std::string file, std::vector<YamlProblem>& problems);

  const Json& value() const { return *value_; }

  const std::string& pointer() const { return pointer_; }

  bool given() const { return !value_->is_null(); }

  // "file:3:9"; of the nearest value that is there.
  std::string Where() const;

  // A member of a mapping; not given when there is none.
  YamlField operator[](std::string_view key) const;

  struct Member;
  std::vector<Member> Members() const;   // of a mapping, in the order of the file
  std::vector<YamlField> Items() const;  // of a list
  bool Mapping() const;                  // false when not given
  void Allow(std::initializer_list<const char*> keys) const;  // others are problems

  // Each gives true when it has set its variable.
  bool Read(std::string& out) const;
  bool Read(bool& out) const;
  bool Read(int64_t& out, int64_t low, int64_t high) const;
  bool Read(std::vector<std::string>& out) const;

  // Notes a problem, unless this very one is known: "WHERE: ABOUT: NAME TEXT".
  void Refuse(const std::string& text) const;

  // The same field, for problems that begin with `about` and name fields relative to this one.
  YamlField About(std::string about) const;

 private:
  YamlField(const YamlField& parent, const Json& value, std::string pointer, std::string name);
  void RefuseKind(const char* wanted) const;

  const YamlDocument* document_;
  std::string file_;
  std::vector<YamlProblem>* problems_;
  const Json* value_;
  std::string pointer_, name_, about_;
};

struct YamlField::Member {
  std::string key;
  YamlField field;
};

}  // namespace slipway
