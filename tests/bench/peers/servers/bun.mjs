// SPDX-License-Identifier: Apache-2.0
// Bun's WebSocket server. Environment: README.md.
const { PORT, TLS_CERT, TLS_KEY, COMPRESS } = process.env;
const compress = COMPRESS === "1";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(PORT),
  tls: TLS_CERT ? { cert: Bun.file(TLS_CERT), key: Bun.file(TLS_KEY) } : undefined,
  fetch(request, server) {
    const chat = new URL(request.url).pathname === "/chat";
    if (!server.upgrade(request, { data: { chat } })) return new Response("", { status: 426 });
  },
  websocket: {
    perMessageDeflate: compress,
    maxPayloadLength: 16 << 20,
    backpressureLimit: 64 << 20,
    open(socket) {
      if (socket.data.chat) socket.subscribe("chat");
    },
    message(socket, message) {
      if (socket.data.chat) server.publish("chat", message, compress);
      else socket.send(message, compress);
    },
  },
});
