// SPDX-License-Identifier: Apache-2.0
// libwebsockets. Environment: README.md.
#include <libwebsockets.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

/// LWS_PRE octets that the library writes its header into, then the payload. Everybody who is told
/// of a message writes the same header.
struct Message {
  std::string bytes;
  bool binary;
};
using MessagePointer = std::shared_ptr<Message>;

struct Session {
  std::string coming = std::string(LWS_PRE, '\0');
  std::deque<MessagePointer> queue;
};

MessagePointer take_message(Session& session, lws* socket) {
  auto message = std::make_shared<Message>(
      Message{std::move(session.coming), lws_frame_is_binary(socket) != 0});
  session.coming = std::string(LWS_PRE, '\0');
  return message;
}

/// Writes what is queued until the socket takes no more. False: the connection is broken.
bool write_some(Session& session, lws* socket) {
  while (!session.queue.empty()) {
    if (lws_send_pipe_choked(socket)) {
      lws_callback_on_writable(socket);
      break;
    }
    const MessagePointer message = std::move(session.queue.front());
    session.queue.pop_front();
    auto* const payload = reinterpret_cast<unsigned char*>(message->bytes.data()) + LWS_PRE;
    const std::size_t size = message->bytes.size() - LWS_PRE;
    const auto kind = message->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
    if (lws_write(socket, payload, size, kind) < static_cast<int>(size)) return false;
  }
  return true;
}

void queue_to(Session& session, lws* socket, const MessagePointer& message) {
  session.queue.push_back(message);
  if (session.queue.size() == 1) lws_callback_on_writable(socket);
}

/// The path is known when the request is judged, the session afterwards.
void note_path(lws* socket) {
  std::array<char, 16> path{};
  lws_hdr_copy(socket, path.data(), static_cast<int>(path.size()), WSI_TOKEN_GET_URI);
  static char chat;
  lws_set_opaque_user_data(socket, std::string_view(path.data()) == "/chat" ? &chat : nullptr);
}

int serve(lws* socket, lws_callback_reasons reason, void* user, void* in, std::size_t size) {
  static std::vector<lws*> listeners;
  auto* const session = static_cast<Session*>(user);
  const bool chat = socket && lws_get_opaque_user_data(socket);
  switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
      note_path(socket);
      break;
    case LWS_CALLBACK_ESTABLISHED:
      new (session) Session;
      if (chat) listeners.push_back(socket);
      break;
    case LWS_CALLBACK_CLOSED:
      if (chat) std::erase(listeners, socket);
      session->~Session();
      break;
    case LWS_CALLBACK_RECEIVE:
      session->coming.append(static_cast<const char*>(in), size);
      if (lws_remaining_packet_payload(socket) > 0 || !lws_is_final_fragment(socket)) break;
      if (const MessagePointer message = take_message(*session, socket); !chat)
        queue_to(*session, socket, message);
      else
        for (lws* each : listeners)
          queue_to(*static_cast<Session*>(lws_wsi_user(each)), each, message);
      break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
      return write_some(*session, socket) ? 0 : -1;
    default:
      break;
  }
  return 0;
}

}  // namespace

int main() {
  const char* port = std::getenv("PORT");
  if (!port) return 2;
  lws_set_log_level(LLL_ERR, nullptr);
  constexpr std::size_t kPiece = 32 << 10;
  const lws_protocols protocols[] = {
      {"any", serve, sizeof(Session), kPiece, 0, nullptr, 0},
      {nullptr, nullptr, 0, 0, 0, nullptr, 0},
  };
  const lws_extension extensions[] = {
      {"permessage-deflate", lws_extension_callback_pm_deflate,
       "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
      {nullptr, nullptr, nullptr},
  };
  lws_context_creation_info info{};
  info.port = std::atoi(port);
  info.iface = "127.0.0.1";
  info.protocols = protocols;
  info.gid = static_cast<gid_t>(-1);
  info.uid = static_cast<uid_t>(-1);
  info.pt_serv_buf_size = 64 << 10;
  if (std::getenv("COMPRESS")) info.extensions = extensions;
  if (const char* cert = std::getenv("TLS_CERT")) {
    info.ssl_cert_filepath = cert;
    info.ssl_private_key_filepath = std::getenv("TLS_KEY");
    info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
  }
  lws_context* const context = lws_create_context(&info);
  if (!context) return 1;
  while (lws_service(context, 0) >= 0) {
  }
}
