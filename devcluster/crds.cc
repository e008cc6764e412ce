#include "devcluster/crds.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <utility>

#include "base/yaml.h"

namespace slipway::sim {

namespace {

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::vector<PrinterColumn> ColumnsOf(const Json& version) {
  std::vector<PrinterColumn> out;
  for (const Json& column : version["additionalPrinterColumns"].items())
    out.push_back({column["name"].AsString(), column["type"].AsString(),
                   column["jsonPath"].AsString(), column["description"].AsString(),
                   static_cast<int>(column["priority"].AsInt())});
  if (out.empty()) out.push_back({"Age", "date", ".metadata.creationTimestamp", "", 0});
  return out;
}

Json Condition(const char* type, const char* reason, const char* message, const std::string& now) {
  return Json::Obj({{"lastTransitionTime", now},
                    {"message", message},
                    {"reason", reason},
                    {"status", "True"},
                    {"type", type}});
}

}  // namespace

void DefaultDefinition(Json& definition) {
  Json& spec = definition["spec"];
  if (!spec.Has("conversion")) spec.Set("conversion", Json::Obj({{"strategy", "None"}}));
  Json& names = spec["names"];
  const std::string kind = std::as_const(names)["kind"].AsString();
  if (std::as_const(names)["singular"].AsString().empty()) names.Set("singular", Lower(kind));
  if (std::as_const(names)["listKind"].AsString().empty()) names.Set("listKind", kind + "List");
}

Answer<Done> CompleteDefinition(Json& definition, const std::string& now) {
  const ResourceName resource{"apiextensions.k8s.io", "customresourcedefinitions",
                              "CustomResourceDefinition"};
  Json& spec = definition["spec"];
  const Json& read = spec;  // reading through a const reference inserts nothing, so nothing moves
  const Json& names_read = read["names"];
  const std::string name = definition["metadata"]["name"].AsString();
  std::vector<Cause> causes;
  for (const char* field : {"plural", "kind"})
    if (names_read[field].AsString().empty())
      causes.push_back(
          {"FieldValueRequired", "Required value", std::string("spec.names.") + field});
  if (read["group"].AsString().empty())
    causes.push_back({"FieldValueRequired", "Required value", "spec.group"});
  if (read["versions"].empty())
    causes.push_back({"FieldValueRequired", "Required value", "spec.versions"});
  const std::string wanted = names_read["plural"].AsString() + "." + read["group"].AsString();
  if (causes.empty() && name != wanted)
    causes.push_back(
        {"FieldValueInvalid",
         "Invalid value: " + Json::Quote(name) + ": must be spec.names.plural+\".\"+spec.group",
         "metadata.name"});
  const std::string& scope = read["scope"].AsString();
  if (scope != "Namespaced" && scope != "Cluster")
    causes.push_back({"FieldValueNotSupported",
                      "Unsupported value: " + Json::Quote(scope) +
                          ": supported values: \"Cluster\", \"Namespaced\"",
                      "spec.scope"});
  if (!causes.empty()) return Invalid(resource, name, causes);
  Json& names = spec["names"];
  Json stored = Json::MakeArray();
  for (const Json& version : spec["versions"].items())
    if (version["storage"].AsBool()) stored.Push(version["name"]);
  Json accepted = names;
  definition.Set(
      "status",
      Json::Obj({{"acceptedNames", std::move(accepted)},
                 {"conditions",
                  Json::Arr({Condition("NamesAccepted", "NoConflicts", "no conflicts found", now),
                             Condition("Established", "InitialNamesAccepted",
                                       "the initial names have been accepted", now)})},
                 {"storedVersions", std::move(stored)}}));
  return Done{};
}

std::vector<Kind> KindsOf(const Json& definition) {
  std::vector<Kind> out;
  const Json& spec = definition["spec"];
  const Json& names = spec["names"];
  for (const Json& version : spec["versions"].items()) {
    if (!version["served"].AsBool()) continue;
    Kind kind;
    kind.group = spec["group"].AsString();
    kind.version = version["name"].AsString();
    kind.kind = names["kind"].AsString();
    kind.plural = names["plural"].AsString();
    kind.singular = names["singular"].AsString(Lower(kind.kind));
    for (const Json& name : names["shortNames"].items())
      kind.short_names.push_back(name.AsString());
    for (const Json& name : names["categories"].items()) kind.categories.push_back(name.AsString());
    kind.namespaced = spec["scope"].AsString() == "Namespaced";
    kind.custom = kind.has_generation = kind.needs_version = true;
    const Json& subresources = version["subresources"];
    kind.has_status = subresources.Has("status");
    kind.scale_spec = subresources["scale"]["specReplicasPath"].AsString();
    kind.scale_status = subresources["scale"]["statusReplicasPath"].AsString();
    const Json& schema = version["schema"]["openAPIV3Schema"];
    if (schema.is_object()) {
      kind.schema = Schema::FromJson(schema);
      kind.open_api = std::make_shared<const Json>(schema);
      kind.has_rules = schema.Dump().find("x-kubernetes-validations") != std::string::npos;
    }
    kind.columns = ColumnsOf(version);
    out.push_back(std::move(kind));
  }
  return out;
}

Result<std::vector<Json>> LoadDefinitions(const std::string& directory) {
  std::error_code code;
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory, code)) {
    const std::string extension = entry.path().extension();
    if (extension == ".yaml" || extension == ".yml") files.push_back(entry.path());
  }
  if (code) return Error{Code::kNotFound, "CrdDirectory", directory + ": " + code.message()};
  std::sort(files.begin(), files.end());
  std::vector<Json> out;
  for (const std::string& file : files) {
    TRY(const std::string text, ReadFile(file));
    auto documents = ParseYaml(text);
    if (!documents)
      return Error{Code::kInvalid, documents.error().reason,
                   file + ":" + documents.error().message};
    for (YamlDocument& document : *documents)
      if (document.value["kind"].AsString() == "CustomResourceDefinition")
        out.push_back(std::move(document.value));
  }
  return out;
}

}  // namespace slipway::sim
