# SPDX-License-Identifier: Apache-2.0
"""RFC 8446 section 9: what every implementation must have"""

from suite import check, must, states
from suite.tls_records import answer_to, client_hello, expect_alert, server_hello


@must("9.1", "A TLS-compliant application MUST implement the TLS_AES_128_GCM_SHA256 ... cipher suite and SHOULD "
      "implement the TLS_AES_256_GCM_SHA384 ... and TLS_CHACHA20_POLY1305_SHA256 ... cipher suites", {
          "TLS_AES_128_GCM_SHA256": 0x1301, "TLS_AES_256_GCM_SHA384": 0x1302, "TLS_CHACHA20_POLY1305_SHA256": 0x1303})
def this_cipher_suite_is_spoken(server, number):
    hello = client_hello(server.target.context())
    hello.ciphers = [number]
    check(server_hello(answer_to(server, hello.record())).cipher == number, "another was chosen")


@must("9.2", 'all implementations MUST support the use of the "server_name" extension with applications capable of '
      "using it.", ["localhost", "site.example", "other.example", "deep.wild.example"])
def the_certificate_is_that_of_the_name(server, name):
    server.connect(server_name=name)  # which verifies it


@states("9.2", "Servers receiving a ClientHello which does not conform to these requirements MUST abort the "
        'handshake with a "missing_extension" alert.',
        {"supported_groups": 10, "key_share": 51, "signature_algorithms": 13})
def a_hello_without_this_extension_is_refused(server, number):
    hello = client_hello(server.target.context())
    del hello.extensions[number]
    expect_alert(server, hello.record(), "missing_extension", "handshake_failure")
