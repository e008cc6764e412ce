#include "bucket/s3.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <mutex>

#include <curl/curl.h>

#include "base/crypto.h"
#include "bucket/s3_xml.h"

namespace slipway::bucket {
namespace {

constexpr size_t kMostOfAnAnswer = 4 << 20;  // a page of a thousand keys of 1024 bytes is smaller
constexpr int64_t kConnectMs = 5000;
constexpr char kKeysPerPage[] = "1000";

// All but what RFC 3986 calls unreserved, as signature version 4 wants it.
std::string Encode(std::string_view text, bool keep_slashes) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~' || (keep_slashes && c == '/');
    if (plain) {
      out += c;
    } else {
      out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return out;
}

// What a store's error code means to us. The names are those of Amazon's API reference; the stores
// that imitate S3 use them too.
struct Meaning {
  Code code;
  const char* reason;
  const char* advice;
};

const std::map<std::string, Meaning, std::less<>>& Meanings() {
  static const std::map<std::string, Meaning, std::less<>> kMeanings = {
      {"NoSuchBucket", {Code::kNotFound, "NoSuchBucket", "the bucket does not exist"}},
      {"NoSuchKey", {Code::kNotFound, "NoSuchObject", "the object does not exist"}},
      {"InvalidAccessKeyId",
       {Code::kUnauthenticated, "UnknownAccessKey", "the store does not know this access key"}},
      {"SignatureDoesNotMatch",
       {Code::kUnauthenticated, "WrongSecretKey", "the secret key is not that of the access key"}},
      {"AccessDenied",
       {Code::kForbidden, "AccessDenied", "these keys have no right to do it in this bucket"}},
      {"RequestTimeTooSkewed",
       {Code::kPrecondition, "ClockSkew", "the clocks of this host and the store differ"}},
      {"AuthorizationHeaderMalformed",
       {Code::kPrecondition, "WrongRegion", "the bucket is in another region"}},
      {"IllegalLocationConstraintException",
       {Code::kPrecondition, "WrongRegion", "the bucket is in another region"}},
      {"PermanentRedirect",
       {Code::kPrecondition, "WrongRegion", "the bucket is in another region"}},
      {"QuotaExceeded", {Code::kPrecondition, "StoreFull", "the store has no room"}},
      {"XMinioStorageFull", {Code::kPrecondition, "StoreFull", "the store has no room"}},
      {"XMinioAdminBucketQuotaExceeded",
       {Code::kPrecondition, "StoreFull", "the bucket's quota is used up"}},
      {"SlowDown", {Code::kUnavailable, "Busy", "the store asks for fewer requests"}},
      {"ServiceUnavailable", {Code::kUnavailable, "Busy", "the store is not available now"}},
  };
  return kMeanings;
}

// For an answer without a code, as to a HEAD, or from a proxy.
Meaning MeaningOf(long status) {
  if (status == 403) return {Code::kForbidden, "AccessDenied", "the store refuses these keys"};
  if (status == 301 || status == 307)
    return {Code::kPrecondition, "WrongRegion",
            "the bucket is at another address or in another region"};
  if (status == 507) return {Code::kPrecondition, "StoreFull", "the store has no room"};
  if (status == 503 || status == 429)
    return {Code::kUnavailable, "Busy", "the store is not available now"};
  return {Code::kUnavailable, "StoreFailed", "the store failed"};
}

struct Answer {
  long status = 0;
  std::string body;
  bool cut = false;  // it had more bytes than were wanted
};

size_t Collect(char* data, size_t size, size_t count, void* user) {
  auto& [answer, most] = *static_cast<std::pair<Answer*, size_t>*>(user);
  const size_t bytes = size * count;
  if (answer->body.size() + bytes > most) {
    answer->cut = true;
    return CURL_WRITEFUNC_ERROR;
  }
  answer->body.append(data, bytes);
  return bytes;
}

// curl asks about once a second.
int Cancelled(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return *static_cast<const std::atomic<bool>*>(user) ? 1 : 0;
}

class S3 final : public Bucket {
 public:
  S3(const Place& place, const Keys& keys, const std::string& bucket, std::string prefix,
     const Limits& limits)
      : ca_(place.ca), keys_(keys), prefix_(std::move(prefix)), limits_(limits) {
    const std::string region = place.region.empty() ? "us-east-1" : place.region;
    endpoint_ = place.endpoint.empty() ? "https://s3." + region + ".amazonaws.com" : place.endpoint;
    while (endpoint_.ends_with('/')) endpoint_.pop_back();
    signer_ = "aws:amz:" + region + ":s3";
    bucket_url_ = endpoint_ + "/" + Encode(bucket, false);
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    curl_.reset(curl_easy_init());
  }

  Result<void> Put(const std::string& key, const std::string& bytes) override {
    auto answer = Call("PUT", UrlOf(key), &bytes, kMostOfAnAnswer);
    if (!answer) return std::move(answer).error();
    return {};
  }

  Result<std::string> Get(const std::string& key, size_t most) override {
    TRY(Answer answer, Call("GET", UrlOf(key), nullptr, std::max(most, kMostOfAnAnswer)));
    if (answer.cut || answer.body.size() > most)
      return Error{Code::kExhausted, "ObjectTooLarge",
                   key + " has more than " + std::to_string(most) + " bytes"};
    return std::move(answer.body);
  }

  Result<Page> List(const std::string& prefix, const std::string& next) override {
    TRY(const XmlTexts texts, Listing(prefix, next, ""));
    Page page;
    for (const auto& [path, text] : texts) {
      if (path == "ListBucketResult/Contents/Key") {
        if (!text.starts_with(prefix_)) return OtherPrefix();
        page.objects.push_back({text.substr(prefix_.size()), 0});
      } else if (path == "ListBucketResult/Contents/Size" && !page.objects.empty()) {
        std::from_chars(text.data(), text.data() + text.size(), page.objects.back().bytes);
      }
    }
    page.next = NextOf(texts);
    return page;
  }

  Result<FolderPage> Folders(const std::string& prefix, const std::string& next) override {
    TRY(const XmlTexts texts, Listing(prefix, next, "delimiter=%2F&"));
    FolderPage page;
    const std::string before = prefix_ + prefix;
    for (const auto& [path, text] : texts) {
      if (path != "ListBucketResult/CommonPrefixes/Prefix") continue;
      if (!text.starts_with(before)) return OtherPrefix();
      page.names.push_back(text.substr(before.size()));
    }
    page.next = NextOf(texts);
    return page;
  }

  Result<void> Delete(const std::string& key) override {
    auto answer = Call("DELETE", UrlOf(key), nullptr, kMostOfAnAnswer);
    if (answer || answer.error().reason == "NoSuchObject") return {};
    return std::move(answer).error();
  }

 private:
  Result<XmlTexts> Listing(const std::string& prefix, const std::string& next,
                           const char* delimiter) {
    // In the order of their names, for the signature.
    std::string query = next.empty() ? "?" : "?continuation-token=" + Encode(next, false) + "&";
    query += std::string(delimiter) + "list-type=2&max-keys=" + kKeysPerPage +
             "&prefix=" + Encode(prefix_ + prefix, false);
    TRY(const Answer answer, Call("GET", bucket_url_ + query, nullptr, kMostOfAnAnswer));
    return ReadXml(answer.body);
  }

  static std::string NextOf(const XmlTexts& texts) {
    const bool more = TextAt(texts, "ListBucketResult/IsTruncated") == "true";
    return more ? TextAt(texts, "ListBucketResult/NextContinuationToken") : "";
  }

  static Error OtherPrefix() {
    return {Code::kUnavailable, "StoreFailed", "the store listed another prefix"};
  }

  std::string UrlOf(const std::string& key) const {
    return bucket_url_ + "/" + Encode(prefix_ + key, true);
  }

  Result<Answer> Call(const char* method, const std::string& url, const std::string* body,
                      size_t most) {
    curl_easy_reset(curl_.get());  // it keeps its connection
    const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(
        curl_slist_append(
            nullptr, ("x-amz-content-sha256: " + Sha256Hex(body == nullptr ? "" : *body)).c_str()),
        curl_slist_free_all);
    Answer answer;
    std::pair<Answer*, size_t> collected{&answer, most};
    char words[CURL_ERROR_SIZE] = "";
    const auto set = [&](CURLoption option, auto value) {
      curl_easy_setopt(curl_.get(), option, value);
    };
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CUSTOMREQUEST, method);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(kConnectMs, limits_.call_ms)));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(limits_.call_ms));
    set(CURLOPT_NOPROGRESS, limits_.cancelled == nullptr ? 1L : 0L);
    set(CURLOPT_XFERINFOFUNCTION, &Cancelled);
    set(CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(limits_.cancelled));
    set(CURLOPT_AWS_SIGV4, signer_.c_str());
    set(CURLOPT_USERNAME, keys_.id.c_str());
    set(CURLOPT_PASSWORD, keys_.secret.c_str());
    set(CURLOPT_ERRORBUFFER, words);
    set(CURLOPT_WRITEFUNCTION, &Collect);
    set(CURLOPT_WRITEDATA, &collected);
    curl_blob ca{const_cast<char*>(ca_.data()), ca_.size(), CURL_BLOB_COPY};
    if (!ca_.empty()) set(CURLOPT_CAINFO_BLOB, &ca);
    if (body != nullptr) {
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
      set(CURLOPT_POSTFIELDS, body->c_str());
      curl_slist_append(headers.get(), "Content-Type: application/octet-stream");
    }
    set(CURLOPT_HTTPHEADER, headers.get());
    const CURLcode done = curl_easy_perform(curl_.get());
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &answer.status);
    if (done != CURLE_OK && !answer.cut) return NoAnswer(done, words);
    if (answer.status >= 200 && answer.status < 300) return answer;
    return Refusal(answer);
  }

  Error NoAnswer(CURLcode code, const std::string& words) const {
    const std::string message =
        endpoint_ + ": " + (words.empty() ? curl_easy_strerror(code) : words);
    switch (code) {
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_CACERT_BADFILE:
        return Error{Code::kPrecondition, "CertificateRefused", message};
      case CURLE_COULDNT_RESOLVE_HOST:
        return Error{Code::kPrecondition, "NoSuchHost", message};
      case CURLE_ABORTED_BY_CALLBACK:
        return Error{Code::kCancelled, "Cancelled", message};
      case CURLE_OPERATION_TIMEDOUT:
        return Error{Code::kDeadline, "Timeout", message};
      default:
        return Error{Code::kUnavailable, "Unreachable", message};
    }
  }

  Error Refusal(const Answer& answer) const {
    const auto texts = ReadXml(answer.body);
    const std::string code = texts ? TextAt(*texts, "Error/Code") : "",
                      words = texts ? TextAt(*texts, "Error/Message") : "",
                      region = texts ? TextAt(*texts, "Error/Region") : "";
    const auto known = Meanings().find(code);
    const Meaning meaning = known != Meanings().end() ? known->second : MeaningOf(answer.status);
    std::string message = endpoint_ + ": " + meaning.advice;
    if (!region.empty() && std::string_view(meaning.reason) == "WrongRegion")
      message += " (" + region + ")";
    message += "; it answers " + std::to_string(answer.status);
    if (!code.empty()) message += " " + code;
    if (!words.empty()) message += ": " + words.substr(0, 300);
    return Error{meaning.code, meaning.reason, message};
  }

  const std::string ca_;
  const Keys keys_;
  const std::string prefix_;
  const Limits limits_;
  std::string endpoint_, signer_, bucket_url_;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl_{nullptr, curl_easy_cleanup};
};

}  // namespace

Result<std::unique_ptr<Bucket>> OpenS3(const Place& place, const Keys& keys, const Limits& limits) {
  constexpr std::string_view kScheme = "s3://";
  const std::string path = place.url.substr(kScheme.size());
  const size_t slash = std::min(path.find('/'), path.size());
  std::string prefix = path.substr(std::min(slash + 1, path.size()));
  while (prefix.ends_with('/')) prefix.pop_back();
  if (!prefix.empty()) prefix += '/';
  if (slash == 0)
    return Error{Code::kInvalid, "InvalidUrl", "the url must look like s3://bucket/prefix"};
  const std::string& endpoint = place.endpoint;
  if (!endpoint.empty() && !endpoint.starts_with("http://") && !endpoint.starts_with("https://"))
    return Error{Code::kInvalid, "InvalidEndpoint",
                 "the endpoint must begin with http:// or https://"};
  return std::unique_ptr<Bucket>(
      std::make_unique<S3>(place, keys, path.substr(0, slash), std::move(prefix), limits));
}

}  // namespace slipway::bucket
