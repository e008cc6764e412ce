// The reference for "what does our API's GET cost?": a bare Pistache handler that answers BYTES
// bytes of JSON.
//
//   bare_pistache PORT BYTES THREADS
#include <cstdio>
#include <cstdlib>
#include <string>

#include <pistache/endpoint.h>

namespace {

class Handler final : public Pistache::Http::Handler {
  HTTP_PROTOTYPE(Handler)

 public:
  explicit Handler(std::string body) : body_(std::move(body)) {}

  void onRequest(const Pistache::Http::Request&, Pistache::Http::ResponseWriter response) override {
    response.send(Pistache::Http::Code::Ok, body_, MIME(Application, Json));
  }

 private:
  std::string body_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s PORT BYTES THREADS\n", argv[0]);
    return 2;
  }
  const auto port = static_cast<uint16_t>(std::atoi(argv[1]));
  const auto bytes = static_cast<size_t>(std::max(8, std::atoi(argv[2])));
  Pistache::Http::Endpoint endpoint({Pistache::Ipv4::loopback(), Pistache::Port(port)});
  endpoint.init(Pistache::Http::Endpoint::options()
                    .threads(std::atoi(argv[3]))
                    .flags(Pistache::Tcp::Options::ReuseAddr));
  endpoint.setHandler(
      Pistache::Http::make_handler<Handler>("{\"a\":\"" + std::string(bytes - 8, 'x') + "\"}"));
  endpoint.serve();
  return 0;
}
