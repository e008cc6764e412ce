#include "devcluster/status.h"

namespace slipway::sim {

namespace {

Json Details(const ResourceName& resource, const std::string& name, const std::string& kind) {
  Json details = Json::MakeObject();
  if (!name.empty()) details.Set("name", name);
  if (!resource.group.empty()) details.Set("group", resource.group);
  details.Set("kind", kind);
  return details;
}

}  // namespace

Json Failure::ToStatus() const {
  Json status = Json::Obj({{"kind", "Status"},
                           {"apiVersion", "v1"},
                           {"metadata", Json::MakeObject()},
                           {"status", "Failure"},
                           {"message", message}});
  if (!reason.empty()) status.Set("reason", reason);
  if (!details.is_null()) status.Set("details", details);
  if (retry_after_s > 0) status["details"].Set("retryAfterSeconds", retry_after_s);
  status.Set("code", code);
  return status;
}

std::string QualifiedResource(std::string_view plural, std::string_view group) {
  std::string out(plural);
  if (!group.empty()) out.append(".").append(group);
  return out;
}

Failure NotFound(const ResourceName& resource, const std::string& name) {
  return {
      404, "NotFound",
      QualifiedResource(resource.plural, resource.group) + " " + Json::Quote(name) + " not found",
      Details(resource, name, resource.plural)};
}

Failure AlreadyExists(const ResourceName& resource, const std::string& name) {
  return {409, "AlreadyExists",
          QualifiedResource(resource.plural, resource.group) + " " + Json::Quote(name) +
              " already exists",
          Details(resource, name, resource.plural)};
}

Failure Conflict(const ResourceName& resource, const std::string& name, const std::string& why) {
  return {409, "Conflict",
          "Operation cannot be fulfilled on " + QualifiedResource(resource.plural, resource.group) +
              " " + Json::Quote(name) + ": " + why,
          Details(resource, name, resource.plural)};
}

Failure ObjectModified(const ResourceName& resource, const std::string& name) {
  return Conflict(resource, name,
                  "the object has been modified; please apply your changes to the latest version "
                  "and try again");
}

Failure Forbidden(const ResourceName& resource, const std::string& name, const std::string& why) {
  return {403, "Forbidden",
          QualifiedResource(resource.plural, resource.group) + " " + Json::Quote(name) +
              " is forbidden: " + why,
          Details(resource, name, resource.plural)};
}

Failure Invalid(const ResourceName& resource, const std::string& name,
                const std::vector<Cause>& causes) {
  Json list = Json::MakeArray();
  std::string text;
  for (const Cause& cause : causes) {
    if (!text.empty()) text += ", ";
    text += cause.field + ": " + cause.message;
    list.Push(
        Json::Obj({{"reason", cause.reason}, {"message", cause.message}, {"field", cause.field}}));
  }
  if (causes.size() > 1) text = "[" + text + "]";
  Json details = Details(resource, name, resource.kind);
  details.Set("causes", std::move(list));
  return {422, "Invalid",
          QualifiedResource(resource.kind, resource.group) + " " + Json::Quote(name) +
              " is invalid: " + text,
          std::move(details)};
}

Failure BadRequest(const std::string& message) {
  return {400, "BadRequest", message, {}};
}

Failure MethodNotAllowed() {
  return {405, "MethodNotAllowed",
          "the server does not allow this method on the requested resource", Json::MakeObject()};
}

Failure MethodNotAllowed(const ResourceName& resource) {
  Failure out = MethodNotAllowed();
  out.details = Details(resource, "", resource.plural);
  return out;
}

Failure NotAcceptable() {
  return {406,
          "NotAcceptable",
          "only the following media types are accepted: application/json, application/yaml",
          {}};
}

Failure UnsupportedMediaType(const std::string& accepted) {
  return {415,
          "UnsupportedMediaType",
          "the body of the request was in an unknown format - accepted media types include: " +
              accepted,
          {}};
}

Failure Expired(const std::string& message) {
  return {410, "Expired", message, {}};
}

Failure InternalError(const std::string& message) {
  return {500, "InternalError", "Internal error occurred: " + message,
          Json::Obj({{"causes", Json::Arr({Json::Obj({{"message", message}})})}})};
}

Failure PageNotFound() {
  return {404, "NotFound", "", {}, 0, "404 page not found\n"};
}

}  // namespace slipway::sim
