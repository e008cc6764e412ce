#include "devcluster/selectors.h"

#include <algorithm>
#include <cstdlib>

namespace slipway::sim {

namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Splits at commas outside of parentheses.
std::vector<std::string_view> Split(std::string_view text) {
  std::vector<std::string_view> out;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '(') ++depth;
    if (i < text.size() && text[i] == ')') --depth;
    if (i < text.size() && (text[i] != ',' || depth > 0)) continue;
    const std::string_view part = Trim(text.substr(begin, i - begin));
    if (!part.empty()) out.push_back(part);
    begin = i + 1;
  }
  return out;
}

bool ValidKey(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '/';
  });
}

Failure BadSelector(std::string_view text, const std::string& why) {
  return BadRequest("unable to parse requirement: " + why + " in " + Json::Quote(text));
}

const std::string* FindIn(const StringPairs& pairs, std::string_view key) {
  for (const auto& [name, value] : pairs)
    if (name == key) return &value;
  return nullptr;
}

long long AsNumber(const std::string& text) {
  return std::strtoll(text.c_str(), nullptr, 10);
}

bool Contains(const std::vector<std::string>& values, const std::string& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

Answer<LabelSelector> LabelSelector::Parse(std::string_view text) {
  LabelSelector out;
  for (std::string_view part : Split(text)) {
    Term term;
    std::string_view key = part;
    if (part.back() == ')') {
      const size_t open = part.find('(');
      if (open == std::string_view::npos) return BadSelector(text, "no opening parenthesis");
      std::string_view head = Trim(part.substr(0, open));
      const size_t space = head.rfind(' ');
      if (space == std::string_view::npos)
        return BadSelector(text, "found '(', expected: in, notin");
      const std::string_view op = head.substr(space + 1);
      if (op != "in" && op != "notin")
        return BadSelector(text, "found '" + std::string(op) + "', expected: in, notin");
      term.op = op == "in" ? Op::kIn : Op::kNotIn;
      key = Trim(head.substr(0, space));
      for (const std::string_view value : Split(part.substr(open + 1, part.size() - open - 2)))
        term.values.emplace_back(value);
    } else if (const size_t at = part.find('='); at != std::string_view::npos) {
      const bool negative = at > 0 && part[at - 1] == '!';
      term.op = negative ? Op::kNotIn : Op::kIn;
      key = Trim(part.substr(0, negative ? at - 1 : at));
      std::string_view value = part.substr(at + 1);
      if (!value.empty() && value.front() == '=') value.remove_prefix(1);
      term.values.emplace_back(Trim(value));
    } else if (const size_t sign = part.find_first_of("<>"); sign != std::string_view::npos) {
      term.op = part[sign] == '>' ? Op::kGreater : Op::kLess;
      key = Trim(part.substr(0, sign));
      term.values.emplace_back(Trim(part.substr(sign + 1)));
      if (term.values[0].empty() ||
          term.values[0].find_first_not_of("0123456789") != std::string::npos)
        return BadSelector(text, "for 'Gt', 'Lt' operators, the value must be an integer");
    } else if (part.front() == '!') {
      term.op = Op::kAbsent;
      key = Trim(part.substr(1));
    }
    if (!ValidKey(key)) return BadSelector(text, "invalid key " + Json::Quote(key));
    for (const std::string& value : term.values)
      if (!value.empty() && !ValidKey(value))
        return BadSelector(text, "invalid value " + Json::Quote(value));
    term.key = key;
    out.terms_.push_back(std::move(term));
  }
  return out;
}

bool LabelSelector::Matches(const StringPairs& labels) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    const std::string* value = FindIn(labels, term.key);
    switch (term.op) {
      case Op::kIn:
        return value != nullptr && Contains(term.values, *value);
      case Op::kNotIn:
        return value == nullptr || !Contains(term.values, *value);
      case Op::kExists:
        return value != nullptr;
      case Op::kAbsent:
        return value == nullptr;
      case Op::kGreater:
        return value != nullptr && AsNumber(*value) > AsNumber(term.values[0]);
      case Op::kLess:
        return value != nullptr && AsNumber(*value) < AsNumber(term.values[0]);
    }
    return false;
  });
}

Answer<FieldSelector> FieldSelector::Parse(std::string_view text,
                                           const std::vector<std::string>& known) {
  FieldSelector out;
  for (const std::string_view part : Split(text)) {
    const size_t at = part.find('=');
    if (at == std::string_view::npos || at == 0)
      return BadRequest("invalid selector: '" + std::string(text) + "'; can't understand '" +
                        std::string(part) + "'");
    Term term;
    term.equal = part[at - 1] != '!';
    term.field = Trim(part.substr(0, term.equal ? at : at - 1));
    std::string_view value = part.substr(at + 1);
    if (!value.empty() && value.front() == '=') value.remove_prefix(1);
    term.value = Trim(value);
    if (!Contains(known, term.field))
      return BadRequest(known.size() > 2 ? "field label not supported: " + term.field
                                         : Json::Quote(term.field) +
                                               " is not a known field selector: only "
                                               "\"metadata.name\", \"metadata.namespace\"");
    out.terms_.push_back(std::move(term));
  }
  return out;
}

bool FieldSelector::Matches(const StringPairs& fields) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    const std::string* value = FindIn(fields, term.field);
    const bool same = value != nullptr ? *value == term.value : term.value.empty();
    return same == term.equal;
  });
}

std::string FieldSelector::Required(std::string_view field) const {
  for (const Term& term : terms_)
    if (term.equal && term.field == field) return term.value;
  return {};
}

}  // namespace slipway::sim
