// SPDX-License-Identifier: Apache-2.0
// npm's ws on Node. Environment: README.md.
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import { WebSocketServer } from "ws";

const { PORT, TLS_CERT, TLS_KEY, COMPRESS } = process.env;
const perMessageDeflate =
  COMPRESS === "1" && {
    zlibDeflateOptions: { level: 1 },
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    threshold: 0,
  };
const server = TLS_CERT
  ? https.createServer({ cert: fs.readFileSync(TLS_CERT), key: fs.readFileSync(TLS_KEY) })
  : http.createServer();
const options = { noServer: true, perMessageDeflate, maxPayload: 16 << 20 };
const echo = new WebSocketServer(options);
const chat = new WebSocketServer(options);

echo.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
chat.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (data, binary) => {
    for (const each of chat.clients) each.send(data, { binary });
  });
});
server.on("upgrade", (request, socket, head) => {
  const to = request.url === "/chat" ? chat : echo;
  to.handleUpgrade(request, socket, head, (client) => to.emit("connection", client, request));
});
server.listen({ port: Number(PORT), host: "127.0.0.1", backlog: 4096 });
