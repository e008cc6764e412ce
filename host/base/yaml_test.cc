#include "base/yaml.h"

#include <gtest/gtest.h>

#include "base/yaml_field.h"

namespace slipway {
namespace {

TEST(Yaml, ConvertsWithPlaces) {
  const auto doc =
      ParseYamlDocument("a: 1\nb:\n  - x\n  - \"2\"\nc: 1Gi\nd: ~\ne: 10.0.0.1\nf: 0.5\n");
  ASSERT_TRUE(doc);
  EXPECT_EQ(doc->value,
            *Json::Parse(R"({"a":1,"b":["x","2"],"c":"1Gi","d":null,"e":"10.0.0.1","f":0.5})"));
  EXPECT_EQ(doc->Where("f.yaml", "/b/1"), "f.yaml:4:5");
  EXPECT_EQ(doc->Where("f.yaml", "/b/7/z"), "f.yaml:2:1");
}

TEST(Yaml, AFileWithoutAValueHasAPlaceToo) {
  for (const char* text : {"", "# all of it\n"}) {
    const auto doc = ParseYamlDocument(text);
    ASSERT_TRUE(doc) << text;
    EXPECT_EQ(doc->Where("f", "/tiers"), "f:1:1") << text;
  }
}

TEST(Yaml, PlainScalarsAreWhatYaml12SaysOfThem) {
  const struct {
    const char *text, *json;
  } cases[] = {{"~", "null"},
               {"Null", "null"},
               {"True", "true"},
               {"yes", "\"yes\""},
               {"+5", "5"},
               {"-5", "-5"},
               {"007", "7"},
               {"+-5", "\"+-5\""},
               {"0x10", "\"0x10\""},
               {"1_0", "\"1_0\""},
               {".5", "0.5"},
               {"-1e3", "-1000.0"},
               {"nan(1)", "\"nan(1)\""},
               {"inf", "\"inf\""},
               {"1:30", "\"1:30\""},
               {"'5'", "\"5\""},
               {"!!str 5", "\"5\""},
               {"!!int '5'", "5"},
               {"1.2.3", "\"1.2.3\""}};

  for (const auto& c : cases) {
    const auto doc = ParseYamlDocument(std::string("a: ") + c.text);
    ASSERT_TRUE(doc) << c.text;
    EXPECT_EQ(doc->value["a"], *Json::Parse(c.json)) << c.text;
  }
  for (const char* bad : {"!!int x", "!!bool 1", "!!binary eA==", "!secret x"})
    EXPECT_FALSE(ParseYamlDocument(std::string("a: ") + bad)) << bad;
}

TEST(Yaml, NamesTheLineOfAMistake) {
  for (const char* bad : {"a: 1\na: 2\n", "a: [1\n", "a:\n\t- b\n"}) {
    const auto doc = ParseYamlDocument(bad);
    ASSERT_FALSE(doc) << bad;
    EXPECT_NE(doc.error().message.find(":"), std::string::npos);
  }
  EXPECT_EQ(ParseYamlDocument("a: 1\na: 2\n").error().message, "2:1: duplicate key \"a\"");
}

TEST(Yaml, ADashAtTheEndBeginsNoSecondDocument) {
  EXPECT_EQ(ParseYamlDocument("---\na: 1\n---\n")->value["a"].AsInt(), 1);
  EXPECT_FALSE(ParseYamlDocument("a: 1\n---\nb: 1\n"));
}

TEST(Yaml, MergesMappingsUnderWhatIsWritten) {
  const auto doc = ParseYamlDocument(
      "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz:\n  <<: [*x, *y]\n  a: 3\nw: {\"<<\": 4}\n");
  ASSERT_TRUE(doc) << doc.error().message;
  EXPECT_EQ(doc->value["z"], *Json::Parse(R"({"a":3,"b":1,"c":2})"));
  EXPECT_EQ(doc->value["w"]["<<"].AsInt(), 4) << "quoted, it is a name like others";
  EXPECT_EQ(doc->Where("f", "/z/a"), "f:5:3");
  EXPECT_EQ(doc->Where("f", "/z/c"), "f:2:14") << "where it is written";
  EXPECT_EQ(ParseYamlDocument("a:\n  <<: 1\n").error().message, "2:7: << must name a mapping");
}

TEST(Yaml, AliasesCannotMultiplyAShortTextForEver) {
  for (const std::string of : {"[", "{<<: ["}) {
    std::string text = "a0: &a0 " + std::string(of == "[" ? "[x]" : "{k: x}") + "\n";
    for (int i = 1; i < 60; ++i) {
      const std::string name = "a" + std::to_string(i), last = "*a" + std::to_string(i - 1);
      text += name + ": &" + name + " " + of + last + ", " + last + (of == "[" ? "]" : "]}") + "\n";
    }
    const auto doc = ParseYamlDocument(text);
    ASSERT_FALSE(doc);
    EXPECT_NE(doc.error().message.find("more than "), std::string::npos);
  }
}

struct Read {
  std::string text = "as it was";
  bool flag = true;
  int64_t number = 7;
  std::vector<std::string> list{"as it was"};
};

// What is read into each kind of variable from `value`, and the problems.
std::pair<Read, std::vector<YamlProblem>> ReadAll(const std::string& value) {
  const auto doc = ParseYamlDocument("top:\n  key: " + value + "\n");
  EXPECT_TRUE(doc) << value;
  std::pair<Read, std::vector<YamlProblem>> out;
  const YamlField field = YamlField(*doc, "f.yaml", out.second)["top"]["key"];
  field.Read(out.first.text);
  field.Read(out.first.flag);
  field.Read(out.first.number, 0, 100);
  field.Read(out.first.list);
  return out;
}

TEST(YamlField, EachKindIsReadAndEachOtherRefusedWithItsPlace) {
  const struct {
    const char *value, *kind;
  } cases[] = {{"text", "a string"}, {"false", "true or false"}, {"12", "an integer"},
               {"1.5", "a number"},  {"[a]", "a list"},          {"{a: b}", "a mapping"}};

  for (const auto& c : cases) {
    const auto [read, problems] = ReadAll(c.value);
    const std::string kind = c.kind;
    EXPECT_EQ(read.text, kind == "a string" ? "text" : "as it was") << c.value;
    EXPECT_EQ(read.flag, kind != "true or false") << c.value;
    EXPECT_EQ(read.number, kind == "an integer" ? 12 : 7) << c.value;
    EXPECT_EQ(read.list[0], kind == "a list" ? "a" : "as it was") << c.value;
    EXPECT_EQ(problems.size(), kind == "a number" || kind == "a mapping" ? 4u : 3u) << c.value;
    for (const YamlProblem& problem : problems) {
      EXPECT_TRUE(problem.text.starts_with("f.yaml:2:3: top.key must be ")) << problem.text;
      EXPECT_EQ(problem.pointer, "/top/key");
    }
  }
}

TEST(YamlField, NothingIsNoProblemAndChangesNothing) {
  for (const char* nothing : {"", "~", "null"}) {
    const auto [read, problems] = ReadAll(nothing);
    EXPECT_TRUE(problems.empty()) << problems[0].text;
    EXPECT_EQ(read.text, "as it was");
    EXPECT_EQ(read.number, 7);
    EXPECT_EQ(read.list.size(), 1u);
  }
}

TEST(YamlField, ProblemsNameTheirPlaceOnceAndFromWhereTheReaderStands) {
  const auto doc = ParseYamlDocument("a: [{b: 1}, x, {b: y, c: z}]\nd: 300\ne: [f, 1, ~]\n");
  ASSERT_TRUE(doc);
  std::vector<YamlProblem> problems;
  const YamlField root(*doc, "f", problems);
  std::string text;
  std::vector<std::string> list;
  int64_t number = 0;
  for (const YamlField& item : root["a"].Items()) {
    item["b"].Read(text);
    item.Allow({"b"});
  }
  root["d"].Read(number, 0, 100);
  root["d"].Read(number, 0, 100);
  root["e"].Read(list);
  root["d"].About("user \"u\"")["x"].Read(text);
  std::string all;
  for (const YamlProblem& problem : problems) all += problem.text + "\n";
  EXPECT_EQ(all,
            "f:1:6: a[0].b must be a string, not an integer (quote it)\n"
            "f:1:13: a[1] must be a mapping, not a string\n"
            "f:1:23: a[2].c is an unknown key; there are b\n"
            "f:2:1: d must be an integer from 0 to 100\n"
            "f:3:8: e[1] must be a string, not an integer (quote it)\n"
            "f:3:11: e[2] must be a string\n"
            "f:2:1: user \"u\": must be a mapping, not an integer\n");
}

}  // namespace
}  // namespace slipway
