#include "base/yaml_field.h"

#include <algorithm>

namespace slipway {
namespace {

const char* KindOf(const Json& value) {
  if (value.is_bool()) return "true or false";
  if (value.is_int()) return "an integer";
  if (value.is_double()) return "a number";
  if (value.is_string()) return "a string";
  return value.is_array() ? "a list" : "a mapping";
}

}  // namespace

YamlField::YamlField(const YamlDocument& document, std::string file,
                     std::vector<YamlProblem>& problems)
    : document_(&document), file_(std::move(file)), problems_(&problems), value_(&document.value) {}

YamlField::YamlField(const YamlField& parent, const Json& value, std::string pointer,
                     std::string name)
    : document_(parent.document_),
      file_(parent.file_),
      problems_(parent.problems_),
      value_(&value),
      pointer_(std::move(pointer)),
      name_(std::move(name)),
      about_(parent.about_) {}

std::string YamlField::Where() const {
  return document_->Where(file_, pointer_);
}

YamlField YamlField::operator[](std::string_view key) const {
  Mapping();
  return {*this, (*value_)[key], pointer_ + "/" + Json::EscapePointer(key),
          name_.empty() ? std::string(key) : name_ + "." + std::string(key)};
}

std::vector<YamlField::Member> YamlField::Members() const {
  std::vector<Member> out;
  if (!Mapping()) return out;
  for (const auto& [key, value] : value_->members()) out.push_back({key, (*this)[key]});
  return out;
}

std::vector<YamlField> YamlField::Items() const {
  std::vector<YamlField> out;
  if (given() && !value_->is_array()) RefuseKind("a list");
  for (size_t i = 0; i < value_->items().size(); ++i) {
    out.push_back({*this, value_->items()[i], pointer_ + "/" + std::to_string(i),
                   name_ + "[" + std::to_string(i) + "]"});
  }
  return out;
}

bool YamlField::Mapping() const {
  if (given() && !value_->is_object()) RefuseKind("a mapping");
  return value_->is_object();
}

void YamlField::Allow(std::initializer_list<const char*> keys) const {
  std::string all;
  for (const char* key : keys) all += std::string(all.empty() ? "" : ", ") + key;
  for (const Member& member : Members()) {
    const bool known =
        std::any_of(keys.begin(), keys.end(), [&](const char* key) { return member.key == key; });
    if (!known) member.field.Refuse("is an unknown key; there are " + all);
  }
}

bool YamlField::Read(std::string& out) const {
  if (!given()) return false;
  if (!value_->is_string()) {
    RefuseKind("a string");
    return false;
  }
  out = value_->AsString();
  return true;
}

bool YamlField::Read(bool& out) const {
  if (!given()) return false;
  if (!value_->is_bool()) {
    RefuseKind("true or false");
    return false;
  }
  out = value_->AsBool();
  return true;
}

bool YamlField::Read(int64_t& out, int64_t low, int64_t high) const {
  if (!given()) return false;
  const int64_t n = value_->AsInt();
  if (!value_->is_int() || n < low || n > high) {
    Refuse("must be an integer from " + std::to_string(low) + " to " + std::to_string(high));
    return false;
  }
  out = n;
  return true;
}

bool YamlField::Read(std::vector<std::string>& out) const {
  if (!given()) return false;
  std::vector<std::string> all;
  bool good = value_->is_array();
  for (const YamlField& item : Items()) {
    std::string text;
    if (!item.given()) item.Refuse("must be a string");
    good = item.Read(text) && good;
    all.push_back(std::move(text));
  }
  if (good) out = std::move(all);
  return good;
}

void YamlField::Refuse(const std::string& text) const {
  std::string problem = Where() + ": ";
  if (!about_.empty()) problem += about_ + ": ";
  problem += name_.empty() ? text : name_ + " " + text;
  const bool known = std::any_of(problems_->begin(), problems_->end(),
                                 [&](const YamlProblem& p) { return p.text == problem; });
  if (!known) problems_->push_back({pointer_, std::move(problem)});
}

void YamlField::RefuseKind(const char* wanted) const {
  const bool quote =
      std::string_view(wanted) == "a string" && !value_->is_object() && !value_->is_array();
  Refuse(std::string("must be ") + wanted + ", not " + KindOf(*value_) +
         (quote ? " (quote it)" : ""));
}

YamlField YamlField::About(std::string about) const {
  YamlField out = *this;
  out.about_ = std::move(about);
  out.name_.clear();
  return out;
}

}  // namespace slipway
