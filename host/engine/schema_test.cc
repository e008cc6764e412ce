#include "engine/schema.h"

#include <gtest/gtest.h>

namespace slipway::engine {
namespace {

Json Parsed(const std::string& text) {
  auto parsed = Json::Parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : Json();
}

// "" or "pointer what".
std::string Wrong(const std::string& schema, const std::string& value) {
  const auto compiled = Schema::Compile(Parsed(schema), Schema::Patterns::kMatched);
  EXPECT_TRUE(compiled) << compiled.error().message;
  const auto wrong = compiled->Check(Parsed(value));
  return wrong ? wrong->pointer + " " + wrong->what : "";
}

TEST(Schemas, CheckEachKeyword) {
  const struct {
    const char *schema, *good, *bad, *words;
  } cases[] = {
      {R"({"type":"integer"})", "1", R"("1")", " is not an integer but string"},
      {R"({"type":"integer"})", "1.0", "1.5", " is not an integer but number"},
      {R"({"type":"boolean"})", "true", "1", " is not true or false but integer"},
      {R"({"type":["object","null"]})", "null", "[]", " is not one of these types: object, null"},
      {R"({"const":1})", "1.0", "true", " is true, not 1"},
      {R"({"enum":["a","b"]})", R"("b")", R"("c")", R"( is "c", not one of "a", "b")"},
      {R"({"minimum":1,"maximum":3})", "3", "4", " is over 3"},
      {R"({"minimum":1,"maximum":3})", "1", "0.5", " is under 1"},
      {R"({"minLength":1})", R"("ü")", R"("")", " is under 1 characters"},
      {R"({"maxLength":2})", R"("üü")", R"("abc")", " is over 2 characters"},
      {R"({"pattern":"^[A-Z]+$"})", R"("AB")", R"("Ab")",
       R"( is "Ab", which does not match ^[A-Z]+$)"},
      {R"({"required":["a"]})", R"({"a":null})", "{}", "/a is missing"},
      {R"({"properties":{"a/b":{"type":"null"}}})", R"({"c":1})", R"({"a/b":1})",
       "/a~1b is not null but integer"},
      {R"({"additionalProperties":{"type":"string"}})", R"({"a":"b"})", R"({"a":1})",
       "/a is not a string but integer"},
      {R"({"additionalProperties":false})", "{}", R"({"a":1})", "/a is not known here"},
      {R"({"maxProperties":1})", R"({"a":1})", R"({"a":1,"b":2})", " is over 1 members"},
      {R"({"minItems":1})", "[1]", "[]", " is under 1 items"},
      {R"({"items":{"type":"integer"}})", "[1,2]", "[1,[]]", "/1 is not an integer but array"},
      {R"({"anyOf":[{"type":"null"},{"type":"string"}]})", "null", "1",
       " has none of the allowed forms"},
      {R"({"if":{"required":["a"]},"then":{"required":["b"]}})", "{}", R"({"a":1})",
       "/b is missing"},
      {R"({"$ref":"#/$defs/x","$defs":{"x":{"type":"null"}}})", "null", "1",
       " is not null but integer"},
      {R"({"title":"whatever","format":"email"})", "1", "", ""},
  };

  for (const auto& c : cases) {
    EXPECT_EQ(Wrong(c.schema, c.good), "") << c.schema;
    if (*c.bad == '\0') continue;
    EXPECT_EQ(Wrong(c.schema, c.bad), c.words) << c.schema;
  }
}

TEST(Schemas, RefuseWhatIsNone) {
  for (const char* text :
       {"[]", R"({"type":"text"})", R"({"type":[]})", R"({"properties":[]})",
        R"({"properties":{"a":7}})", R"({"items":"string"})", R"({"pattern":"("})",
        R"({"required":[1]})", R"({"$ref":"#/nowhere"})", R"({"$ref":"http://example.org"})",
        R"({"minimum":"1"})", R"({"anyOf":{}})", R"({"then":3})"}) {
    const auto compiled = Schema::Compile(Parsed(text), Schema::Patterns::kMatched);
    ASSERT_FALSE(compiled) << text;
    EXPECT_EQ(compiled.error().reason, "BadSchema");
  }
}

TEST(Schemas, EndWhenOneNamesItself) {
  EXPECT_EQ(Wrong(R"({"$ref":"#"})", "1"), " nests too deeply");
  EXPECT_EQ(Wrong(R"({"items":{"$ref":"#"}})", "[[[[]]]]"), "");
}

TEST(Schemas, IgnorePatternsOfOthers) {
  const auto schema =
      Schema::Compile(Parsed(R"({"pattern":"^(a+)+$"})"), Schema::Patterns::kIgnored);
  ASSERT_TRUE(schema);
  EXPECT_FALSE(schema->Check(Json(std::string(200, 'a') + "b")));
}

}  // namespace
}  // namespace slipway::engine
