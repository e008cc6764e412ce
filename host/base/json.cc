#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace slipway {
namespace {

const Json kNull;
const Json::Array kNoItems;
const Json::Object kNoMembers;
const std::string kNoString;

// Takes the next token off a pointer and unescapes it.
std::string NextToken(std::string_view& pointer) {
  pointer.remove_prefix(1);
  const size_t end = std::min(pointer.find('/'), pointer.size());
  std::string token;
  for (size_t i = 0; i < end; ++i) {
    if (pointer[i] == '~' && i + 1 < end) {
      token += pointer[++i] == '1' ? '/' : '~';
    } else {
      token += pointer[i];
    }
  }
  pointer.remove_prefix(end);
  return token;
}

bool ToIndex(std::string_view token, size_t& index) {
  if (token.empty() || (token.size() > 1 && token[0] == '0')) return false;
  const auto [end, ec] = std::from_chars(token.data(), token.data() + token.size(), index);
  return ec == std::errc() && end == token.data() + token.size();
}

}  // namespace

const char* Json::type_name() const {
  static constexpr const char* kNames[] = {"null",   "boolean", "integer", "number",
                                           "string", "array",   "object"};
  return kNames[v_.index()];
}

bool Json::AsBool(bool fallback) const {
  const auto* v = std::get_if<bool>(&v_);
  return v != nullptr ? *v : fallback;
}

int64_t Json::AsInt(int64_t fallback) const {
  if (const auto* v = std::get_if<int64_t>(&v_)) return *v;
  if (const auto* d = std::get_if<double>(&v_)) {
    if (std::trunc(*d) == *d && std::abs(*d) < 9e18) return static_cast<int64_t>(*d);
  }
  return fallback;
}

double Json::AsDouble(double fallback) const {
  if (const auto* v = std::get_if<double>(&v_)) return *v;
  if (const auto* i = std::get_if<int64_t>(&v_)) return static_cast<double>(*i);
  return fallback;
}

const std::string& Json::AsString() const {
  const auto* v = std::get_if<std::string>(&v_);
  return v != nullptr ? *v : kNoString;
}

std::string Json::AsString(std::string_view fallback) const {
  const auto* v = std::get_if<std::string>(&v_);
  return v != nullptr ? *v : std::string(fallback);
}

const Json::Array& Json::items() const {
  const auto* v = std::get_if<Array>(&v_);
  return v != nullptr ? *v : kNoItems;
}

const Json::Object& Json::members() const {
  const auto* v = std::get_if<Object>(&v_);
  return v != nullptr ? *v : kNoMembers;
}

Json::Array& Json::items() {
  if (!is_array()) v_ = Array{};
  return std::get<Array>(v_);
}

Json::Object& Json::members() {
  if (!is_object()) v_ = Object{};
  return std::get<Object>(v_);
}

size_t Json::size() const {
  if (is_array()) return std::get<Array>(v_).size();
  if (is_object()) return std::get<Object>(v_).size();
  return 0;
}

const Json* Json::Find(std::string_view key) const {
  for (const auto& member : members()) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

Json* Json::Find(std::string_view key) {
  return const_cast<Json*>(std::as_const(*this).Find(key));
}

const Json& Json::operator[](std::string_view key) const {
  const Json* found = Find(key);
  return found != nullptr ? *found : kNull;
}

Json& Json::operator[](std::string_view key) {
  Object& object = members();
  for (auto& member : object) {
    if (member.first == key) return member.second;
  }
  object.emplace_back(std::string(key), Json());
  return object.back().second;
}

const Json& Json::operator[](size_t index) const {
  const Array& array = items();
  return index < array.size() ? array[index] : kNull;
}

const Json& Json::At(std::string_view pointer) const {
  const Json* at = this;
  while (!pointer.empty()) {
    if (pointer[0] != '/') return kNull;
    const std::string token = NextToken(pointer);
    if (at->is_array()) {
      size_t index = 0;
      if (!ToIndex(token, index)) return kNull;
      at = &(*at)[index];
    } else {
      at = &(*at)[std::string_view(token)];
    }
  }
  return *at;
}

void Json::SetAt(std::string_view pointer, Json value) {
  Json* at = this;
  while (!pointer.empty() && pointer[0] == '/') {
    const std::string token = NextToken(pointer);
    size_t index = 0;
    if (at->is_array()) {
      if (!ToIndex(token, index) || index >= at->items().size()) return;
      at = &at->items()[index];
    } else {
      at = &(*at)[std::string_view(token)];
    }
  }
  *at = std::move(value);
}

void Json::EraseAt(std::string_view pointer) {
  const size_t slash = pointer.rfind('/');
  if (slash == std::string_view::npos) return;
  auto* parent = const_cast<Json*>(&At(pointer.substr(0, slash)));
  if (parent == &kNull) return;
  std::string_view last = pointer.substr(slash);
  const std::string token = NextToken(last);
  size_t index = 0;
  if (parent->is_object()) {
    parent->Erase(token);
  } else if (parent->is_array() && ToIndex(token, index) && index < parent->size()) {
    parent->items().erase(parent->items().begin() + static_cast<std::ptrdiff_t>(index));
  }
}

Json& Json::Set(std::string_view key, Json value) {
  (*this)[key] = std::move(value);
  return *this;
}

bool Json::Erase(std::string_view key) {
  if (!is_object()) return false;
  return std::erase_if(std::get<Object>(v_), [&](const Member& m) { return m.first == key; }) > 0;
}

void Json::Push(Json value) {
  items().push_back(std::move(value));
}

void Json::MergePatch(const Json& patch) {
  if (!patch.is_object()) {
    *this = patch;
    return;
  }
  members();
  for (const auto& [key, value] : patch.members()) {
    if (value.is_null()) {
      Erase(key);
    } else {
      (*this)[std::string_view(key)].MergePatch(value);
    }
  }
}

bool Json::operator==(const Json& other) const {
  if (is_number() && other.is_number()) {
    if (is_int() && other.is_int()) return AsInt() == other.AsInt();
    return AsDouble() == other.AsDouble();
  }
  if (v_.index() != other.v_.index()) return false;
  if (!is_object()) return v_ == other.v_;
  if (size() != other.size()) return false;
  for (const auto& [key, value] : members()) {
    const Json* theirs = other.Find(key);
    if (theirs == nullptr || *theirs != value) return false;
  }
  return true;
}

std::string Json::EscapePointer(std::string_view token) {
  std::string out;
  for (const char c : token) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace slipway
