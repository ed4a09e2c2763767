# SPDX-License-Identifier: Apache-2.0
"""RFC 6066 section 3: server name indication"""

import ssl

from suite import check, equal, may, must, must_not, shall, should, states
from suite.tls_records import SERVER_NAME, answer_to, client_hello, expect_alert, server_hello


def context_of(server, version):
    context = server.target.context()
    context.minimum_version = context.maximum_version = version
    return context


def subject(peer):
    return dict(entry[0] for entry in peer.tls.object.getpeercert()["subject"])["commonName"]


@may("3", 'A server that receives a client hello containing the "server_name" extension MAY use the information '
     "contained in the extension to guide its selection of an appropriate certificate to return to the client", {
         "the first": ("site.example", "site.example"), "another": ("other.example", "other.example"),
         "in capitals": ("OTHER.EXAMPLE", "other.example"), "by a wildcard": ("a.wild.example", "other.example")})
def the_certificate_of_the_name_is_sent(server, names):
    asked, expected = names
    equal(subject(server.connect(server_name=asked)), expected, "the certificate")


@should("3", "If the server understood the ClientHello extension but does not recognize the server name, the server "
        "SHOULD take one of two actions: either abort the handshake by sending a fatal-level unrecognized_name(112) "
        "alert or continue the handshake.")
def an_unknown_name_gets_the_first_certificate(server):
    context = server.target.context()
    context.check_hostname = False
    equal(subject(server.connect(context=context, server_name="unknown.example")), "site.example", "the certificate")


@states("3", 'clients MAY include an extension of type "server_name" in the (extended) client hello.')
def a_client_without_a_name_gets_the_first_certificate(server):
    context = server.target.context()
    context.check_hostname = False
    equal(subject(server.connect(context=context, server_name=None)), "site.example", "the certificate")


@shall("3", 'In this event, the server SHALL include an extension of type "server_name" in the (extended) server '
       'hello. The "extension_data" field of this extension SHALL be empty.')
def the_server_acknowledges_the_name(server):
    hello = client_hello(context_of(server, ssl.TLSVersion.TLSv1_2), "other.example")
    equal(server_hello(answer_to(server, hello.record())).extensions.get(SERVER_NAME), b"",
          "the extension of the ServerHello")


@must_not("3", "A server that implements this extension MUST NOT accept the request to resume the session if the "
          "server_name extension contains a different name.",
          {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3})
def a_session_is_not_resumed_for_another_name(server, version):
    context = context_of(server, version)
    first = server.connect(context=context, server_name="site.example")
    first.get("/healthz").expect(200)
    second = server.connect(context=context, server_name="other.example", session=first.tls.object.session)
    check(not second.tls.object.session_reused, "the session was resumed")
    equal(subject(second), "other.example", "the certificate")


@must("3", "Implementations MUST ensure that a buffer overflow does not occur, whatever the values of the length "
      "fields in server_name.", {
    "a list longer than it is": b"\xff\xff\0\0\4name", "a name longer than it is": b"\0\7\0\xff\xffname",
    "an empty list": b"\0\0", "half a length": b"\0", "NUL in a name": b"\0\7\0\0\4a\0bc"})
def a_malformed_server_name_is_refused(server, data):
    hello = client_hello(server.target.context())
    hello.extensions[SERVER_NAME] = data
    expect_alert(server, hello.record(), "decode_error", "unrecognized_name", "illegal_parameter")
