#include "http/exchange.h"

#include <utility>

namespace slipway::http {
namespace {

class ConnectionStream final : public Stream {
 public:
  ConnectionStream(std::shared_ptr<Connection> connection, uint64_t number)
      : connection_(std::move(connection)), number_(number) {}

  // Without Close() the client must see that the response is incomplete.
  ~ConnectionStream() override { connection_->AbortStream(number_); }

  ConnectionStream(const ConnectionStream&) = delete;
  ConnectionStream& operator=(const ConnectionStream&) = delete;

  bool Write(std::string_view data) override { return connection_->WriteStream(number_, data); }

  void Close() override { connection_->CloseStream(number_); }

  void Abort() override { connection_->AbortStream(number_); }

  bool closed() const override { return !connection_->StreamOpen(number_); }

 private:
  const std::shared_ptr<Connection> connection_;
  const uint64_t number_;  // 0: it never opened
};

}  // namespace

ConnectionExchange::ConnectionExchange(std::shared_ptr<Connection> connection,
                                       Connection::Ticket ticket, Request request)
    : connection_(std::move(connection)), ticket_(ticket), request_(std::move(request)) {}

ConnectionExchange::~ConnectionExchange() {
  if (answered_.load() || connection_->gone()) return;
  const std::string* id = request_.Header("x-request-id");
  Respond(connection_->hub().Refuse(500, "Unanswered",
                                    id ? std::string_view(*id) : std::string_view()));
}

void ConnectionExchange::Respond(Response response) {
  if (!answered_.exchange(true)) connection_->Answer(ticket_, std::move(response));
}

std::shared_ptr<Stream> ConnectionExchange::StartStream(int status, std::string content_type,
                                                        Pairs headers) {
  uint64_t number = 0;
  if (!answered_.exchange(true)) {
    number = connection_->StartStream(ticket_, status, content_type, headers);
  }
  return std::make_shared<ConnectionStream>(connection_, number);
}

void ConnectionExchange::AbortWith(std::string_view raw) {
  if (!answered_.exchange(true)) connection_->AnswerRaw(raw);
}

}  // namespace slipway::http
