#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "http/connection.h"
#include "http/server.h"

namespace slipway::http {

// The request in flight of one connection. It moves between threads. The first answer counts.
class ConnectionExchange final : public Exchange {
 public:
  ConnectionExchange(std::shared_ptr<Connection> connection, Connection::Ticket ticket,
                     Request request);
  ~ConnectionExchange() override;  // answers 500 if unanswered
  ConnectionExchange(const ConnectionExchange&) = delete;
  ConnectionExchange& operator=(const ConnectionExchange&) = delete;

  const Request& request() const override { return request_; }

  void Respond(Response response) override;
  std::shared_ptr<Stream> StartStream(int status, std::string content_type, Pairs headers) override;
  void AbortWith(std::string_view raw) override;

  bool client_gone() const override { return connection_->gone(); }

 private:
  const std::shared_ptr<Connection> connection_;
  const Connection::Ticket ticket_;
  const Request request_;
  std::atomic<bool> answered_{false};
};

}  // namespace slipway::http
