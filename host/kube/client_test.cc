#include "kube/client.h"

#include <atomic>

#include <gtest/gtest.h>

#include "kube/client_test_support.h"

namespace slipway::kube {
namespace {

TEST_F(ClientTest, GetAsksForThePathOfTheDiscoveredKind) {
  Serve([](const Request&, Connection& c) { c.Reply(200, ConfigMapJson("a", "7")); });
  const auto got = client_->Get(kRef);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->At("/metadata/resourceVersion").AsString(), "7");
  EXPECT_EQ(Last().target, "/api/v1/namespaces/ns/configmaps/a");
  ASSERT_TRUE(client_->Get(kRef));
  EXPECT_EQ(server_->requests().size(), 3u) << "discovery is asked once";
  EXPECT_EQ(Last().connection, 1) << "the connection is used again";
}

TEST_F(ClientTest, ClusterScopedKindsHaveNoNamespaceInTheirPath) {
  Serve([](const Request&, Connection& c) { c.Reply(200, "{}"); });
  ASSERT_TRUE(client_->Get({"v1", "Namespace", "", "x"}));
  EXPECT_EQ(Last().target, "/api/v1/namespaces/x");
}

TEST_F(ClientTest, ApplySendsTheManagerAndStrictValidation) {
  Serve([](const Request& r, Connection& c) { c.Reply(200, r.body); });
  ASSERT_TRUE(client_->Apply(
      ConfigMap("a"),
      {.field_manager = "me", .force = true, .dry_run = true, .subresource = "status"}));
  const Request request = Last();
  EXPECT_EQ(request.method, "PATCH");
  EXPECT_EQ(request.path, "/api/v1/namespaces/ns/configmaps/a/status");
  EXPECT_EQ(request.query.at("fieldManager"), "me");
  EXPECT_EQ(request.query.at("fieldValidation"), "Strict");
  EXPECT_EQ(request.query.at("force"), "true");
  EXPECT_EQ(request.query.at("dryRun"), "All");
  EXPECT_EQ(request.headers.at("content-type"), "application/apply-patch+yaml");
  EXPECT_EQ(request.headers.count("expect"), 0u);
}

TEST_F(ClientTest, TheOtherVerbsUseTheirMethodsAndTypes) {
  Serve([](const Request& r, Connection& c) {
    c.Reply(r.method == "POST" ? 201 : 200, r.body.empty() ? "{}" : r.body);
  });
  const auto created = client_->Create(ConfigMap("a"));
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_EQ(*created, ConfigMap("a")) << "the body arrives whole";
  EXPECT_EQ(Last().method, "POST");
  EXPECT_EQ(Last().path, "/api/v1/namespaces/ns/configmaps");
  ASSERT_TRUE(client_->Update(ConfigMap("a"), "status"));
  EXPECT_EQ(Last().method, "PUT");
  EXPECT_EQ(Last().path, "/api/v1/namespaces/ns/configmaps/a/status");
  ASSERT_TRUE(client_->Patch(kRef, PatchType::kMerge, Json::Obj({{"a", 1}}), ""));
  EXPECT_EQ(Last().headers.at("content-type"), "application/merge-patch+json");
  ASSERT_TRUE(client_->Patch(kRef, PatchType::kJson, Json::MakeArray(), ""));
  EXPECT_EQ(Last().headers.at("content-type"), "application/json-patch+json");
  ASSERT_TRUE(client_->Patch(kRef, PatchType::kStrategic, Json::Obj({{"a", 1}}), ""));
  EXPECT_EQ(Last().headers.at("content-type"), "application/strategic-merge-patch+json");
  ASSERT_TRUE(client_->Delete(
      kRef, {.uid = "u-1", .propagation = "Foreground", .dry_run = true, .resource_version = "7"}));
  EXPECT_EQ(Last().method, "DELETE");
  EXPECT_EQ(
      *Json::Parse(Last().body),
      *Json::Parse(R"({"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Foreground",
    "preconditions":{"uid":"u-1","resourceVersion":"7"},"dryRun":["All"]})"));
  ASSERT_TRUE(client_->Get(kRef));
  EXPECT_EQ(Last().method, "GET") << "a handle that has sent bodies still gets";
  EXPECT_EQ(Last().body, "");
}

TEST_F(ClientTest, LogsAndProxiesAndPing) {
  Serve(
      [](const Request& r, Connection& c) { c.Reply(200, r.path == "/readyz" ? "ok" : "line\n"); });
  EXPECT_EQ(*client_->PodLog("ns", "db-1", "postgres", 20), "line\n");
  EXPECT_EQ(Last().target, "/api/v1/namespaces/ns/pods/db-1/log?container=postgres&tailLines=20");
  EXPECT_EQ(*client_->ProxyGet("pods", "ns", "https:db-1:8000", "/pg/status"), "line\n");
  EXPECT_EQ(Last().target, "/api/v1/namespaces/ns/pods/https:db-1:8000/proxy/pg/status");
  EXPECT_TRUE(client_->Ping());
}

TEST_F(ClientTest, DeletingWhatIsGoneSucceedsAndAnotherUidConflicts) {
  Serve([](const Request& r, Connection& c) {
    if (r.path.ends_with("/a"))
      return c.Reply(404, StatusBody(404, "NotFound", "configmaps \"a\" not found"));
    c.Reply(409, StatusBody(409, "Conflict", "the UID in the precondition (1) does not match"));
  });
  EXPECT_TRUE(client_->Delete(kRef, {.uid = "1"}));
  const auto other = client_->Delete({"v1", "ConfigMap", "ns", "b"}, {.uid = "1"});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::kConflict);
}

TEST_F(ClientTest, AnUnknownKindIsLookedForAtMostOnceASecond) {
  Serve([](const Request& r, Connection& c) {
    if (r.path == "/readyz") return c.Reply(200, "ok");
    c.Reply(404, "404 page not found\n");
  });
  for (int i = 0; i < 3; ++i) {
    const auto got = client_->Get({"db.example.org/v2", "Cluster", "ns", "x"});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Code::kNotFound);
    EXPECT_EQ(got.error().reason, "KindNotFound");
  }
  EXPECT_EQ(server_->requests().size(), 3u);  // once more after it was asked whether it is ready
}

TEST_F(ClientTest, AProxyThatAnswers404ToEverythingKnowsNothingOfKinds) {
  std::atomic<bool> proxy{true};
  Serve([&](const Request& r, Connection& c) {
    // Whatever was in its way is gone when it has answered that it is ready.
    if (r.path == "/readyz" && proxy.exchange(false)) return c.Reply(200, "ok");
    if (proxy) return c.Reply(404, "404 page not found\n");
    c.Reply(200, R"({"resources":[{"name":"clusters","kind":"Cluster","namespaced":true}]})");
  });
  EXPECT_TRUE(client_->Discover("db.example.org/v2", "Cluster"));
  Serve([](const Request&, Connection& c) { c.Reply(404, "404 page not found\n"); });
  const auto found = client_->Discover("db.example.org/v2", "Cluster");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::kUnavailable);
}

TEST_F(ClientTest, APageDoesNotSayThatAnObjectIsGone) {
  Serve([](const Request& r, Connection& c) {
    if (AnswerDiscovery(r, c)) return;
    c.Reply(404, "<html>404</html>");
  });
  const auto got = client_->Get(kRef);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Code::kUnavailable);
  EXPECT_FALSE(client_->Delete(kRef, {.uid = "1"}));
}

TEST_F(ClientTest, AnAnswerThatIsNoJsonIsAskedForAgainWhereThatIsSafe) {
  std::atomic<int> asked{0};
  Serve([&](const Request& r, Connection& c) {
    if (AnswerDiscovery(r, c)) return;
    c.Reply(200, ++asked % 3 != 0 ? "<html>busy</html>" : "{}");
  });
  EXPECT_TRUE(client_->Get(kRef));
  EXPECT_EQ(asked, 3);
  const auto created = client_->Create(ConfigMap("a"));
  ASSERT_FALSE(created) << "a create is not sent twice";
  EXPECT_EQ(created.error().reason, "BadAnswer");
  EXPECT_EQ(asked, 4);
}

TEST_F(ClientTest, APageInPlaceOfEveryAnswerIsToldInTheEnd) {
  Serve([](const Request& r, Connection& c) {
    if (!AnswerDiscovery(r, c)) c.Reply(200, "<html>login</html>");
  });
  const auto got = client_->Get(kRef);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Code::kUnavailable);
  EXPECT_EQ(got.error().reason, "BadAnswer");
}

TEST_F(ClientTest, ThrottledRequestsWaitAsLongAsTheServerSays) {
  std::atomic<int> asked{0};
  Serve([&](const Request&, Connection& c) {
    if (++asked == 1)
      return c.Reply(429, StatusBody(429, "TooManyRequests", "later"), "Retry-After: 1\r\n");
    c.Reply(201, "{}");
  });
  const int64_t start = clock_.SteadyMs();
  EXPECT_TRUE(client_->Create(ConfigMap("a"))) << "a create that was turned away may be sent again";
  EXPECT_GE(clock_.SteadyMs() - start, 990);
  EXPECT_EQ(asked, 2);
}

TEST_F(ClientTest, ServerErrorsAreRetriedForRepeatableVerbsOnly) {
  std::atomic<int> asked{0};
  Serve([&](const Request& r, Connection& c) {
    if (++asked < 3)
      return c.Reply(r.method == "PATCH" ? 500 : 503,
                     StatusBody(500, "InternalError", "failed calling webhook"));
    c.Reply(200, "{}");
  });
  EXPECT_TRUE(client_->Apply(ConfigMap("a"), {}));
  EXPECT_EQ(asked, 3);
  asked = 0;
  EXPECT_TRUE(client_->Get(kRef));
  asked = 0;
  const auto created = client_->Create(ConfigMap("a"));
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, Code::kUnavailable);
  EXPECT_EQ(asked, 1);
  asked = 0;
  EXPECT_FALSE(client_->Update(ConfigMap("a"), ""))
      << "without resourceVersion it is not known what it would undo";
  asked = 0;
  Json guarded = ConfigMap("a");
  guarded.SetAt("/metadata/resourceVersion", "5");
  EXPECT_TRUE(client_->Update(guarded, ""));
}

TEST_F(ClientTest, AServerThatStaysBrokenGivesUnavailable) {
  std::atomic<int> asked{0};
  Serve([&](const Request&, Connection& c) {
    ++asked, c.Reply(500, StatusBody(500, "InternalError", "failed calling webhook"));
  });
  const auto got = client_->Get(kRef);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Code::kUnavailable);
  EXPECT_TRUE(got.error().retryable);
  EXPECT_EQ(asked, 4);
}

TEST_F(ClientTest, RetriesEndWithTheTotalTime) {
  std::atomic<int> asked{0};
  Serve([&](const Request&, Connection& c) { ++asked, c.Reply(503, "busy"); },
        [](Config&, ClientOptions& options) { options.total_timeout_ms = 2000; });
  const auto got = client_->Get(kRef);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Code::kUnavailable);
  EXPECT_GT(asked, 1);
}

// The last try has what is left of the total time, which says nothing about the server.
TEST_F(ClientTest, ATryThatIsCutShortDoesNotHideWhatTheServerSaid) {
  std::atomic<int> asked{0};
  Serve([&](const Request&, Connection& c) { ++asked == 1 ? c.Reply(503, "busy") : c.Hang(); },
        [](Config&, ClientOptions& options) { options.total_timeout_ms = 2000; });
  const auto got = client_->Get(kRef);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Code::kUnavailable);
  EXPECT_NE(got.error().message.find("busy"), std::string::npos) << got.error().message;
  EXPECT_NE(got.error().message.find("(2 attempts)"), std::string::npos) << got.error().message;
}

TEST_F(ClientTest, AnUndeclaredFieldIsInvalidAndNeverRetried) {
  Serve([](const Request&, Connection& c) {
    c.Reply(
        500,
        R"({"status":"Failure","message":"failed to create typed patch object (tenant-b/bad2; db.example.org/v1, Kind=Cluster): .spec.foo: field not declared in schema","code":500})");
  });
  const auto applied = client_->Apply(ConfigMap("a"), {});
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, Code::kInvalid);
  EXPECT_EQ(applied.error().field, ".spec.foo");
  EXPECT_EQ(Requests("PATCH"), 1u);
}

TEST_F(ClientTest, ALostAnswerIsAskedForAgainOnlyWhenThatIsSafe) {
  std::atomic<int> asked{0};
  Serve([&](const Request& r, Connection& c) {
    if (r.method == "GET" && r.path.ends_with("/warm")) return c.Reply(200, "{}");
    if (++asked == 1) return c.Close();
    c.Reply(200, "{}");
  });
  EXPECT_TRUE(client_->Get(kRef));
  EXPECT_EQ(asked, 2);

  // On a warm connection, where an HTTP library likes to send again by itself.
  ASSERT_TRUE(client_->Get({"v1", "ConfigMap", "ns", "warm"}));
  asked = 0;
  const auto created = client_->Create(ConfigMap("a"));
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, Code::kUnavailable);
  EXPECT_EQ(created.error().reason, "ConnectionLost");
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(Requests("POST"), 1u);

  asked = 0;
  EXPECT_TRUE(client_->Delete(kRef, {.uid = "u"}));
  EXPECT_EQ(asked, 2);
}

TEST_F(ClientTest, ARefusedConnectionIsTriedAgainEvenForACreate) {
  uint16_t port = 0;
  {
    const ScriptedServer gone([](const Request&, Connection&) {});
    port = gone.port();
  }
  Config config;
  config.server = "http://127.0.0.1:" + std::to_string(port);
  Connect(config);
  Gate started;
  std::thread caller([&] {
    started.Open();
    const auto created = client_->Create(ConfigMap("a"));
    EXPECT_TRUE(created) << created.error().message;
  });
  ASSERT_TRUE(started.Wait());
  server_.emplace(
      [](const Request& r, Connection& c) {
        if (!AnswerDiscovery(r, c)) c.Reply(201, "{}");
      },
      port);
  caller.join();
}

TEST_F(ClientTest, NobodyListeningIsUnavailable) {
  Config config;
  config.server = "http://127.0.0.1:1";
  Connect(config, [](Config&, ClientOptions& options) { options.total_timeout_ms = 500; });
  const auto got = client_->Get(kRef);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Code::kUnavailable);
  EXPECT_EQ(got.error().reason, "ConnectFailed");
  EXPECT_FALSE(client_->Ping());
}

TEST_F(ClientTest, AnAnswerThatDoesNotComeIsADeadline) {
  Serve([](const Request&, Connection& c) { c.Hang(); },
        [](Config&, ClientOptions& options) {
          options.request_timeout_ms = 100, options.total_timeout_ms = 2000;
        });
  const auto got = client_->Get(kRef);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Code::kDeadline);
  EXPECT_GE(Requests("GET"), 2u);
}

TEST_F(ClientTest, AnAnswerBeyondTheLimitIsRefused) {
  Serve([](const Request&, Connection& c) { c.Reply(200, "\"" + std::string(5000, 'x') + "\""); },
        [](Config&, ClientOptions& options) { options.max_response_bytes = 4096; });
  const auto got = client_->Get(kRef);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().reason, "AnswerTooLarge");
  EXPECT_EQ(Requests("GET"), 1u);
}

TEST_F(ClientTest, ManyCallersShareFewConnections) {
  Serve([](const Request& r, Connection& c) { c.Reply(200, R"({"path":")" + r.path + "\"}"); },
        [](Config&, ClientOptions& options) { options.max_connections = 3; });
  std::vector<std::thread> callers;
  for (int t = 0; t < 12; ++t) {
    callers.emplace_back([this, t] {
      for (int i = 0; i < 30; ++i) {
        const std::string name = "x" + std::to_string(t) + "-" + std::to_string(i);
        const auto got = client_->Get({"v1", "ConfigMap", "ns", name});
        ASSERT_TRUE(got) << got.error().message;
        ASSERT_TRUE((*got)["path"].AsString().ends_with("/" + name))
            << "everyone gets their own answer";
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const Request& request : server_->requests()) EXPECT_LE(request.connection, 3);
}

TEST_F(ClientTest, ARefusedTokenIsReadAgainOnce) {
  const std::string path = ::testing::TempDir() + "/kube_client_token";
  const auto write = [&](const std::string& text) {
    FILE* file = std::fopen(path.c_str(), "w");
    std::fputs(text.c_str(), file);
    std::fclose(file);
  };
  write("old\n");
  Serve(
      [&](const Request& r, Connection& c) {
        if (r.headers.at("authorization") == "Bearer new") return c.Reply(200, "{}");
        write("new\n");
        c.Reply(401, StatusBody(401, "Unauthorized", "Unauthorized"));
      },
      [&](Config& config, ClientOptions&) { config.token_file = path; });
  EXPECT_TRUE(client_->Get(kRef));
  EXPECT_EQ(Requests("GET"), 2u);
}

TEST_F(ClientTest, AStaticTokenThatIsRefusedIsReportedWithoutTheToken) {
  Serve([](const Request&,
           Connection& c) { c.Reply(401, StatusBody(401, "Unauthorized", "Unauthorized")); },
        [](Config& config, ClientOptions&) { config.bearer_token = "s3cr3t"; });
  const auto got = client_->Get(kRef);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Code::kUnauthenticated);
  EXPECT_EQ(got.error().message.find("s3cr3t"), std::string::npos);
  EXPECT_EQ(Requests("GET"), 2u);
}

TEST_F(ClientTest, AnExecPluginsTokenIsUsedAndRenewedWhenRefused) {
  const std::string count = ::testing::TempDir() + "/kube_client_exec_count";
  std::remove(count.c_str());
  Serve(
      [](const Request& r, Connection& c) {
        if (r.headers.at("authorization") == "Bearer token-2") return c.Reply(200, "{}");
        c.Reply(401, StatusBody(401, "Unauthorized", "Unauthorized"));
      },
      [&](Config& config, ClientOptions&) {
        config.exec.command = "/bin/sh";
        config.exec.api_version = "client.authentication.k8s.io/v1";
        config.exec.args = {"-c",
                            "echo x >> $COUNT; N=$(wc -l < $COUNT); echo "
                            "\"{\\\"apiVersion\\\":\\\"client.authentication.k8s.io/v1\\\","
                            "\\\"kind\\\":\\\"ExecCredential\\\",\\\"status\\\":{\\\"token\\\":"
                            "\\\"token-$N\\\"}}\""};
        config.exec.env = {{"COUNT", count}};
      });
  // The first token serves discovery, is refused here, and the second is kept.
  const auto got = client_->Get(kRef);
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_TRUE(client_->Get(kRef));
  EXPECT_EQ(Requests("GET"), 3u);
}

}  // namespace
}  // namespace slipway::kube
