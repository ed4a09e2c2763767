# SPDX-License-Identifier: Apache-2.0
"""RFC 9112 section 9: connection management"""

from suite import TEXT, UPGRADE, check, equal, frame, must, must_not, should, states


@should("9.3", "HTTP implementations SHOULD support persistent connections.")
def many_requests_on_one_connection(server):
    peer = server.connect()
    for path in ("/healthz", "/abc.txt", "/empty.txt", "/folder/", "/nowhere", "/healthz") * 5:
        peer.get(path).expect(404 if path == "/nowhere" else 200)


@states("9.3", "If the received protocol is HTTP/1.1 (or later), the connection will persist after the current "
        "response", ["/healthz", "/nowhere", "/echo", "/folder"])
def an_answer_of_http_1_1_leaves_the_connection_open(server, path):
    peer = server.connect()
    answer = peer.get(path)
    check("close" not in answer.tokens("Connection"), "it says close")
    peer.get("/healthz").expect(200)


@states("9.3", 'If the received protocol is HTTP/1.0, the "keep-alive" connection option is present ... the '
        "connection will persist after the current response")
def http_1_0_persists_with_keep_alive(server):
    peer = server.connect()
    answer = peer.ask("GET /healthz HTTP/1.0", "Host: {host}", "Connection: Keep-Alive")
    check("keep-alive" in answer.tokens("Connection"), "it does not say keep-alive")
    peer.get("/healthz").expect(200)


@states("9.3", "The connection will close after the current response.")
def http_1_0_closes_otherwise(server):
    peer = server.connect()
    peer.ask("GET /healthz HTTP/1.0", "Host: {host}").expect(200)
    peer.expect_end()


@must("9.3", "A server MUST read the entire request message body or close the connection after sending its "
      "response; otherwise, the remaining data on a persistent connection would be misinterpreted as the next "
      "request.", {
          "a length": ["Content-Length: 60"], "a length, GET": None})
def a_body_is_not_taken_for_a_request(server, fields):
    peer = server.connect()
    method = "POST" if fields else "GET"
    body = b"GET /abc.txt HTTP/1.1\r\nHost: smuggled.example\r\n\r\n".ljust(60, b"x")
    peer.send(f"{method} /healthz HTTP/1.1\r\nHost: {server.host}\r\nContent-Length: 60\r\n\r\n".encode() + body)
    peer.read_response()
    peer.shut_down()
    check(b"HTTP/1.1" not in peer.read_to_end(), "the body was answered")


@must("9.3.2", "it MUST send the corresponding responses in the same order that the requests were received.")
def pipelined_requests_are_answered_in_their_order(server):
    peer = server.connect()
    paths = ["/healthz", "/nowhere", "/abc.txt", "/empty.txt", "/echo", "/folder"] * 20
    peer.send("".join(f"GET {path} HTTP/1.1\r\nHost: {server.host}\r\n\r\n" for path in paths).encode())
    expected = {"/healthz": 200, "/nowhere": 404, "/abc.txt": 200, "/empty.txt": 200, "/echo": 426, "/folder": 301}
    for path in paths:
        answer = peer.read_response().expect(expected[path])
        if path == "/abc.txt":
            equal(answer.body, b"abcdefghijklmnopqrstuvwxyz", "the file")


@states("9.3.2", "A client that supports persistent connections MAY pipeline its requests")
def a_websocket_may_follow_pipelined_requests(server):
    peer = server.connect()
    request = f"GET /abc.txt HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode()
    peer.send(request * 3 + peer.upgrade_head("/echo") + frame(TEXT, "at last"))
    for _ in range(3):
        peer.read_response().expect(200)
    peer.read_response().expect(101)
    peer.expect_message("at last")


@should("9.5", "Implementations SHOULD constantly monitor open connections for a received closure signal and "
        "respond to it as appropriate", {"before a request": None, "after one": "/healthz"})
def a_client_that_ends_is_followed(server, path):
    peer = server.connect()
    if path:
        peer.get(path).expect(200)
    peer.shut_down()
    peer.expect_end()


@should("9.5", "A server SHOULD sustain persistent connections, when possible, and allow the underlying transport's "
        "flow-control mechanisms to resolve temporary overloads")
def a_client_that_asks_faster_than_it_reads_is_served(server):
    peer = server.connect()
    request = f"GET /abc.txt HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode()
    peer.send_whole(request * 2000)
    for _ in range(2000):
        equal(peer.read_response().expect(200).body, b"abcdefghijklmnopqrstuvwxyz", "the file")


@should("9.6", 'A sender SHOULD send a Connection header field (Section 7.6.1 of [HTTP]) containing the "close" '
        "connection option when it intends to close a connection.", [
            "GET /healthz HTTP/1.1\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "?\r\n\r\n"])
def a_refusal_that_ends_the_connection_says_close(server, text):
    peer = server.connect()
    peer.send(text.encode())
    answer = peer.expect_refusal(400)
    check("close" in answer.tokens("Connection"), "it does not say close")


@must("9.6", 'A server that receives a "close" connection option MUST initiate closure of the connection (see '
      'below) after it sends the final response to the request that contained the "close" connection option.', [
          "close", "Close", "CLOSE", "keep-alive, close", "close, x"])
def after_close_the_connection_ends(server, value):
    peer = server.connect()
    peer.get("/healthz", f"Connection: {value}").expect(200)
    peer.expect_end()


@should("9.6", 'The server SHOULD send a "close" connection option in its final response on that connection.',
        ["/healthz", "/abc.txt", "/nowhere", "/echo"])
def the_last_answer_says_close(server, path):
    answer = server.get(path, "Connection: close")
    check("close" in answer.tokens("Connection"), "it does not say close")


@must_not("9.6", "The server MUST NOT process any further requests received on that connection.")
def what_follows_close_is_not_processed(server):
    peer = server.connect()
    request = f"GET /healthz HTTP/1.1\r\nHost: {server.host}\r\n"
    peer.send(f"{request}Connection: close\r\n\r\n{request}\r\n{request}\r\n".encode())
    peer.read_response().expect(200)
    peer.expect_end()


@states("9.6", "First, the server performs a half-close by closing only the write side of the read/write "
        "connection. The server then continues to read from the connection until it receives a corresponding close "
        "by the client")
def unread_input_does_not_reset_the_last_answer(server):
    peer = server.connect()
    peer.send(b"GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n" + b"x" * 200_000)
    peer.expect_refusal(400)


@should("9.8", "Servers SHOULD be prepared to receive an incomplete close from the client")
def a_client_that_goes_without_a_word_does_no_harm(server):
    peer = server.connect()
    peer.get("/echo", *UPGRADE).expect(101)
    peer.reset()
    server.open().expect_echo()


@must("9.8", "Servers MUST attempt to initiate an exchange of closure alerts with the client before closing the "
      "connection.")
def an_encrypted_connection_ends_with_an_alert(server):
    peer = server.connect()
    peer.get("/healthz", "Connection: close").expect(200)
    peer.expect_end()
    check(peer.close_notify or not server.tls, "there was no close_notify")
