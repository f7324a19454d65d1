// Whose certificate a TLS connection must show.
#pragma once

#include <openssl/types.h>

#include <string>

namespace taskledger::reactors {

// Before the handshake: only a certificate of `host` (a name or an address) will do, by its alternative names (RFC
// 9110, 4.3.4; a subject that looks like a host name is a text), and a name is told to the server (SNI). False: OpenSSL
// cannot check that host.
[[nodiscard]] bool expect_host(SSL& tls, const std::string& host);

}  // namespace taskledger::reactors
