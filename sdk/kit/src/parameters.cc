#include <algorithm>
#include <utility>

#include <slipway/kit/parameters.h>
#include <slipway/kit/quantity.h>

namespace slipway::kit {

namespace {

// A user's value as text; nullopt for objects, lists and null.
std::optional<std::string> TextOf(const Json& value) {
  if (value.IsString()) return value.AsString();
  if (value.IsBool()) return value.AsBool() ? "on" : "off";
  if (value.IsInt() || value.IsReal()) return value.Dump();
  return std::nullopt;
}

std::string Thousandths(int64_t value) {
  std::string text = std::to_string(value / 1000);
  if (value % 1000 != 0) {
    text += "." + std::to_string(1000 + value % 1000).substr(1);
    while (text.back() == '0') text.pop_back();
  }
  return text;
}

struct Parsed {
  std::string text;   // canonical
  std::string error;  // empty: fine
};

Parsed OutOfRange(const std::string& from, const std::string& to) {
  return {{}, "must be between " + from + " and " + to};
}

Parsed ParseBool(std::string_view text) {
  if (OneOf("on|true|yes|1", text)) return {"on", {}};
  if (OneOf("off|false|no|0", text)) return {"off", {}};
  return {{}, "must be on or off"};
}

Parsed ParseUnit(const Unit& unit, const Parameter& parameter, const std::string& text) {
  const auto value = unit.parse(text, parameter.base);
  if (!value) return {{}, unit.rule};
  if (*value < parameter.min || *value > parameter.max)
    return OutOfRange(unit.print(parameter.min), unit.print(parameter.max));
  return {text, {}};
}

Parsed ParseOne(const ParameterList& list, const Parameter& parameter, const std::string& text) {
  switch (parameter.type) {
    case ParameterType::kInt: {
      const auto value = Integer(text);
      if (!value) return {{}, "must be a whole number"};
      if (*value < parameter.min || *value > parameter.max)
        return OutOfRange(std::to_string(parameter.min), std::to_string(parameter.max));
      return {std::to_string(*value), {}};
    }
    case ParameterType::kReal: {
      const auto value = Real(text);
      if (!value) return {{}, "must be a number"};
      if (*value * 1000 < static_cast<double>(parameter.min) ||
          *value * 1000 > static_cast<double>(parameter.max))
        return OutOfRange(Thousandths(parameter.min), Thousandths(parameter.max));
      return {text, {}};
    }
    case ParameterType::kBool:
      return ParseBool(text);
    case ParameterType::kEnum:
      if (OneOf(parameter.values, text)) return {text, {}};
      return {{}, "must be one of " + std::string(parameter.values)};
    case ParameterType::kMemory:
      return ParseUnit(list.memory, parameter, text);
    case ParameterType::kTime:
      return ParseUnit(list.time, parameter, text);
    case ParameterType::kText:
      break;
  }
  const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::string_view("_+-/,. :").find(static_cast<char>(c)) != std::string_view::npos ||
           (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  if (text.empty() || text.size() > 64 || !plain)
    return {{}, "must be 1 to 64 letters, digits and _+-/,.: or spaces"};
  return {text, {}};
}

// The reason why users may not set `name`; empty if they may.
std::string_view WhyRefused(std::span<const Refused> all, std::string_view name) {
  for (const Refused& refused : all) {
    if (OneOf(refused.names, name) ||
        (refused.names.ends_with('.') && name.starts_with(refused.names)))
      return refused.why;
  }
  return {};
}

}  // namespace

std::string ParameterPointer(std::string_view name) {
  std::string out = "/parameters/";
  for (const char c : name) {
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

std::optional<ParameterValues> ReadParameters(const ParameterList& list, const Json& given,
                                              const Complain& complain) {
  ParameterValues values;
  bool sound = true;
  const auto wrong = [&](std::string_view name, const char* reason, const std::string& message) {
    sound = false;
    complain(ParameterPointer(name), reason, message);
  };
  if (!given.IsNull() && !given.IsObject()) {
    sound = false;
    complain("/parameters", "WrongType", "parameters must be an object");
  }
  for (const std::string& name : given.keys()) {
    const auto known =
        std::find_if(list.allowed.begin(), list.allowed.end(),
                     [&](const Parameter& parameter) { return parameter.name == name; });
    if (const auto why = WhyRefused(list.refused, name); !why.empty()) {
      wrong(name, "ParameterNotAllowed",
            "the parameter " + name + " cannot be set: " + std::string(why));
    } else if (known == list.allowed.end()) {
      wrong(name, "UnknownParameter", "this engine does not know the parameter " + name);
    } else if (const auto text = TextOf(given[name]); !text) {
      wrong(name, "WrongType", "the value of " + name + " must be a string, number or boolean");
    } else {
      Parsed parsed = ParseOne(list, *known, *text);
      if (!parsed.error.empty()) {
        wrong(name, "ParameterOutOfRange", "the value of " + name + " " + parsed.error);
      } else {
        values.emplace(name, std::move(parsed.text));
      }
    }
  }
  if (!sound) return std::nullopt;
  return values;
}

Json ToJson(const ParameterValues& values) {
  Json out = Json::Obj();
  for (const auto& [name, value] : values) out.Set(name, value);
  return out;
}

Json SchemaOf(const ParameterList& list) {
  Json properties = Json::Obj();
  for (const Parameter& parameter : list.allowed) {
    Json property = Json::Obj();
    switch (parameter.type) {
      case ParameterType::kInt:
        property.Set("type", Json::Arr({"integer", "string"}))
            .Set("minimum", parameter.min)
            .Set("maximum", parameter.max);
        break;
      case ParameterType::kReal:
        property.Set("type", Json::Arr({"number", "string"}))
            .Set("minimum", static_cast<double>(parameter.min) / 1000)
            .Set("maximum", static_cast<double>(parameter.max) / 1000);
        break;
      case ParameterType::kBool:
        property.Set("type", Json::Arr({"boolean", "string", "integer"}));
        break;
      case ParameterType::kEnum: {
        Json values = Json::Arr();
        for (std::string_view rest = parameter.values; !rest.empty();) {
          const size_t bar = rest.find('|');
          values.Push(rest.substr(0, bar));
          rest = bar == std::string_view::npos ? std::string_view() : rest.substr(bar + 1);
        }
        if (OneOf(parameter.values, "on")) values.Push(true);
        if (OneOf(parameter.values, "off")) values.Push(false);
        property.Set("enum", std::move(values));
        break;
      }
      case ParameterType::kMemory:
        property.Set("type", Json::Arr({"string", "integer"}))
            .Set("description", "from " + list.memory.print(parameter.min) + " to " +
                                    list.memory.print(parameter.max));
        break;
      case ParameterType::kTime:
        property.Set("type", Json::Arr({"string", "integer"}))
            .Set("description", "from " + list.time.print(parameter.min) + " to " +
                                    list.time.print(parameter.max));
        break;
      case ParameterType::kText:
        property.Set("type", "string").Set("maxLength", 64);
        break;
    }
    properties.Set(parameter.name, std::move(property));
  }
  return Json::Obj(
      {{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}});
}

}  // namespace slipway::kit
