#include <algorithm>
#include <memory>

#include <curl/curl.h>

#include "devcluster/http_front.h"

namespace slipway::sim {

namespace {

constexpr long kProxyMs = 10'000;

// Splits "x", "x:port" and "https:x:port".
void SplitProxyName(const std::string& text, std::string& name, std::string& port) {
  const size_t last = text.rfind(':');
  if (last == std::string::npos) {
    name = text;
    return;
  }
  port = text.substr(last + 1);
  const size_t first = text.find(':');
  name = first == last ? text.substr(0, last) : text.substr(first + 1, last - first - 1);
}

size_t Take(char* data, size_t size, size_t count, void* into) {
  static_cast<std::string*>(into)->append(data, size * count);
  return size * count;
}

Answer<http::Response> Fetch(const std::string& url) {
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy(curl_easy_init(), curl_easy_cleanup);
  http::Response out;
  curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_PROTOCOLS_STR, "http");
  curl_easy_setopt(easy.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, kProxyMs);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, Take);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &out.body);
  const CURLcode code = curl_easy_perform(easy.get());
  if (code != CURLE_OK)
    return Failure{503,
                   "ServiceUnavailable",
                   "error trying to reach service: " + std::string(curl_easy_strerror(code)),
                   {}};
  long status = 0;
  const char* type = nullptr;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy.get(), CURLINFO_CONTENT_TYPE, &type);
  out.status = static_cast<int>(status);
  out.content_type = type != nullptr ? type : "text/plain";
  return out;
}

// Finds the number that a port of the service, given by name or number, has in the service's pods.
std::string PodPort(const Json& service, const std::string& port) {
  const Json& ports = service.At("/spec/ports");
  for (const Json& one : ports.items()) {
    if (!port.empty() && one["name"].AsString() != port &&
        std::to_string(one["port"].AsInt()) != port)
      continue;
    return one["targetPort"].is_int()
               ? std::to_string(one["targetPort"].AsInt())
               : one["targetPort"].AsString(std::to_string(one["port"].AsInt()));
  }
  return port;
}

}  // namespace

void HttpFront::Proxy(const CallPtr& call) {
  const Target& target = call->target;
  Api& api = parts_.api;
  std::string name, port;
  SplitProxyName(target.name, name, port);
  auto found = api.Get(*target.kind, target.ns, name);
  if (!found) return Finish(*call, std::move(found).error());
  ObjectPtr pod = *found;
  if (target.kind->kind == "Service") {
    const Json service = pod->Parse();
    port = PodPort(service, port);
    pod = nullptr;
    for (const ObjectPtr& one : api.store().List("pods", target.ns, "", 0).items) {
      bool selected = !service.At("/spec/selector").empty();
      for (const auto& [key, value] : service.At("/spec/selector").members()) {
        const std::pair<std::string, std::string> wanted(key, value.AsString());
        selected = selected &&
                   std::find(one->labels.begin(), one->labels.end(), wanted) != one->labels.end();
      }
      if (!selected) continue;
      pod = one;
      break;
    }
    if (pod == nullptr)
      return Finish(*call, Failure{503,
                                   "ServiceUnavailable",
                                   "no endpoints available for service " + Json::Quote(name),
                                   {}});
  }
  const Json object = pod->Parse();
  const Json& annotations = object["metadata"]["annotations"];
  if (port.empty()) port = "80";
  if (const std::string* body = [&]() -> const std::string* {
        const Json* value = annotations.Find(kProxyBodyAnnotation + port);
        return value == nullptr ? nullptr : &value->AsString();
      }())
    return Finish(*call, http::Response{200, {}, *body, "text/plain"});
  const std::string& address = annotations[kProxyAnnotation + port].AsString();
  // We connect to this machine only: an annotation must not turn the cluster into a way to other
  // hosts.
  if (address.rfind("127.0.0.1:", 0) != 0)
    return Finish(*call, Failure{503,
                                 "ServiceUnavailable",
                                 "error trying to reach service: nothing listens on port " + port,
                                 {}});
  std::string url = "http://" + address + (target.rest.empty() ? "/" : target.rest);
  if (const size_t question = call->request().target.find('?'); question != std::string::npos)
    url += call->request().target.substr(question);
  if (!parts_.workers.Post([this, call, url] { Finish(*call, Fetch(url)); }))
    Finish(*call, Failure{429, "TooManyRequests", "too many proxied requests", {}, 1});
}

}  // namespace slipway::sim
