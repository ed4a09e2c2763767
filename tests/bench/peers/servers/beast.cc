// SPDX-License-Identifier: Apache-2.0
// Boost.Beast, asynchronous, one thread. Environment: README.md.
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;
// The executor by its own type, which costs less than any_io_executor.
using Socket = asio::basic_stream_socket<tcp, asio::io_context::executor_type>;
using Acceptor = asio::basic_socket_acceptor<tcp, asio::io_context::executor_type>;
using Error = beast::error_code;

struct Message {
  std::string data;
  bool binary;
};
using MessagePointer = std::shared_ptr<const Message>;

bool compress = false;

struct Listener {
  virtual void deliver(const MessagePointer& message) = 0;

 protected:
  ~Listener() = default;
};
std::unordered_set<Listener*> listeners;

template <class Stream>
class Session final : public Listener, public std::enable_shared_from_this<Session<Stream>> {
 public:
  template <class... Arguments>
  explicit Session(Arguments&&... arguments) : socket_(std::forward<Arguments>(arguments)...) {}
  ~Session() { listeners.erase(this); }

  void start() {
    if constexpr (std::is_same_v<Stream, Socket>) {
      ask();
    } else {
      socket_.next_layer().async_handshake(Stream::server,
                                           [self = this->shared_from_this()](Error error) {
                                             if (!error) self->ask();
                                           });
    }
  }

  void deliver(const MessagePointer& message) override {
    queue_.push_back(message);
    if (queue_.size() == 1) write();
  }

 private:
  void ask() {
    request_ = std::make_unique<http::request<http::empty_body>>();
    http::async_read(socket_.next_layer(), buffer_, *request_,
                     [self = this->shared_from_this()](Error error, std::size_t) {
                       if (!error) self->accept();
                     });
  }

  void accept() {
    if (compress) {
      websocket::permessage_deflate deflate;
      deflate.server_enable = true;
      deflate.server_no_context_takeover = true;
      deflate.client_no_context_takeover = true;
      deflate.compLevel = 1;
      socket_.set_option(deflate);
    }
    socket_.read_message_max(16 << 20);
    socket_.auto_fragment(false);
    chat_ = request_->target() == "/chat";
    socket_.async_accept(*request_, [self = this->shared_from_this()](Error error) {
      self->request_.reset();
      if (error) return;
      if (self->chat_) listeners.insert(self.get());
      self->read();
    });
  }

  void read() {
    socket_.async_read(buffer_, [self = this->shared_from_this()](Error error, std::size_t) {
      if (error)
        listeners.erase(self.get());
      else if (self->chat_)
        self->publish();
      else
        self->echo();
    });
  }

  void echo() {
    socket_.binary(socket_.got_binary());
    socket_.async_write(buffer_.data(),
                        [self = this->shared_from_this()](Error error, std::size_t) {
                          if (error) return;
                          self->buffer_.consume(self->buffer_.size());
                          self->read();
                        });
  }

  void publish() {
    const auto message = std::make_shared<const Message>(
        Message{beast::buffers_to_string(buffer_.data()), socket_.got_binary()});
    buffer_.consume(buffer_.size());
    for (Listener* each : listeners) each->deliver(message);
    read();
  }

  void write() {
    socket_.binary(queue_.front()->binary);
    socket_.async_write(asio::buffer(queue_.front()->data),
                        [self = this->shared_from_this()](Error error, std::size_t) {
                          if (error) return;
                          self->queue_.pop_front();
                          if (!self->queue_.empty()) self->write();
                        });
  }

  websocket::stream<Stream> socket_;
  beast::flat_buffer buffer_;
  std::unique_ptr<http::request<http::empty_body>> request_;
  std::deque<MessagePointer> queue_;
  bool chat_ = false;
};

template <class Start>
void accept_all(Acceptor& acceptor, const Start& start) {
  acceptor.async_accept([&acceptor, start](Error error, Socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay(true));
      start(std::move(socket));
    }
    accept_all(acceptor, start);
  });
}

}  // namespace

int main() {
  const char* port = std::getenv("PORT");
  if (!port) return 2;
  compress = std::getenv("COMPRESS") != nullptr;
  asio::io_context context(1);
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(),
                               static_cast<unsigned short>(std::atoi(port)));
  Acceptor acceptor(context, endpoint);
  acceptor.listen(4096);
  if (const char* cert = std::getenv("TLS_CERT")) {
    static asio::ssl::context tls(asio::ssl::context::tls_server);
    tls.use_certificate_chain_file(cert);
    tls.use_private_key_file(std::getenv("TLS_KEY"), asio::ssl::context::pem);
    accept_all(acceptor, [](Socket socket) {
      std::make_shared<Session<asio::ssl::stream<Socket>>>(std::move(socket), tls)->start();
    });
  } else {
    accept_all(acceptor, [](Socket socket) {
      std::make_shared<Session<Socket>>(std::move(socket))->start();
    });
  }
  context.run();
}
