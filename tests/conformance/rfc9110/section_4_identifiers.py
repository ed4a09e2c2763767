# SPDX-License-Identifier: Apache-2.0
"""RFC 9110 section 4: identifiers"""

from suite import must, should, states


def refused(server, target, host="{host}"):
    peer = server.connect()
    peer.send_lines(f"GET {target} HTTP/1.1", f"Host: {host}")
    peer.expect_refusal(400)


@must("4.2.1", "A recipient that processes such a URI reference MUST reject it as invalid.",
      ["http:///healthz", "http://:80/healthz", "http://?x"])
def a_target_without_a_host_is_rejected(server, target):
    refused(server, target)


@must("4.2.2", 'A sender MUST NOT generate an "https" URI with an empty host identifier. A recipient that processes '
      "such a URI reference MUST reject it as invalid.", ["https:///healthz", "https://:443/healthz"])
def an_https_target_without_a_host_is_rejected(server, target):
    refused(server, target)


@states("4.2.3", "The scheme and host are case-insensitive and normally provided in lowercase")
def scheme_and_host_count_in_any_case(server):
    scheme = server.scheme.upper()
    server.ask("GET %s://LocalHost/healthz HTTP/1.1" % scheme, "Host: localhost").expect(200)


@should("4.2.4", 'Before making use of an "http" or "https" URI reference received from an untrusted source, a '
        "recipient SHOULD parse for userinfo and treat its presence as an error",
        ["http://user@{host}/healthz", "http://user:secret@{host}/healthz", "http://@{host}/healthz"])
def a_target_with_userinfo_is_rejected(server, target):
    refused(server, target)
