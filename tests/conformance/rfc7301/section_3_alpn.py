# SPDX-License-Identifier: Apache-2.0
"""RFC 7301 section 3: application-layer protocol negotiation"""

import ssl

from suite import equal, shall, shall_not, should, states
from suite.tls_records import client_hello, expect_alert

VERSIONS = {"TLS 1.3": ssl.TLSVersion.TLSv1_3, "TLS 1.2": ssl.TLSVersion.TLSv1_2}


def context_with(server, protocols, version=None):
    context = server.target.context()
    context.set_alpn_protocols(protocols)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


@should("3.2", "the server SHOULD select the most highly preferred protocol that it supports and that is also "
        "advertised by the client.", {
    "alone": ["http/1.1"], "after h2": ["h2", "http/1.1"], "among strange ones": ["spdy/3", "x", "http/1.1", "h3"]})
def http_1_1_is_selected(server, protocols):
    peer = server.connect(context=context_with(server, protocols))
    equal(peer.tls.object.selected_alpn_protocol(), "http/1.1", "the protocol")
    peer.get("/healthz").expect(200)


@states("3.1", "The server will ignore any protocol name that it does not recognize.")
def without_the_extension_http_is_spoken(server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    peer = server.connect(context=context)
    equal(peer.tls.object.selected_alpn_protocol(), None, "the protocol")
    peer.get("/healthz").expect(200)


@shall("3.2", "In the event that the server supports no protocols that the client advertises, then the server SHALL "
       'respond with a fatal "no_application_protocol" alert.', {
            f"{name} over {version}": ([name], number) for name in ("h2", "http/1.0", "HTTP/1.1")
            for version, number in VERSIONS.items()})
def no_protocol_in_common_is_refused(server, offer):
    expect_alert(server, client_hello(context_with(server, *offer)).record(), "no_application_protocol")


@shall_not("3.2", "The server SHALL NOT respond with a selected protocol and subsequently use a different protocol "
           "for application data exchange.")
def a_websocket_begins_with_http_1_1(server):
    server.open().expect_echo()
