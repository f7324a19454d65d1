#include "reactors/address_policy.h"

#include <gtest/gtest.h>

namespace taskledger::reactors {
namespace {

using boost::asio::ip::make_address;

TEST(AddressPolicy, PublicOnes) {
  for (const char* text :
       {"8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.167.0.1", "198.17.0.1",
        "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1", "2001:4860::8888"}) {
    EXPECT_TRUE(is_public(make_address(text))) << text;
    EXPECT_TRUE(is_allowed(make_address(text), false)) << text;
  }
}

TEST(AddressPolicy, PrivateAndSpecialOnes) {
  for (const char* text : {"10.0.0.1",
                           "10.255.255.255",
                           "127.0.0.1",
                           "127.255.0.1",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.168.1.1",
                           "100.64.0.1",
                           "100.127.255.255",
                           "192.0.0.8",
                           "192.0.2.1",
                           "198.18.0.1",
                           "198.19.255.255",
                           "198.51.100.7",
                           "203.0.113.9",
                           "::1",
                           "fe80::1",
                           "febf::1",
                           "fc00::1",
                           "fdff::1",
                           "::ffff:127.0.0.1",
                           "::ffff:8.8.8.8",
                           "::7f00:1",
                           "64:ff9b::7f00:1",
                           "64:ff9b:1::1",
                           "2002:7f00:1::",
                           "2001::1",
                           "2001:db8::1",
                           "3fff::1"}) {
    EXPECT_FALSE(is_public(make_address(text))) << text;
    EXPECT_FALSE(is_allowed(make_address(text), false)) << text;
    EXPECT_TRUE(is_allowed(make_address(text), true)) << text;
  }
}

TEST(AddressPolicy, NeverAllowed) {
  for (const char* text : {"0.0.0.0", "0.1.2.3", "255.255.255.255", "224.0.0.1", "239.255.255.250", "::", "ff02::1"}) {
    EXPECT_FALSE(is_allowed(make_address(text), false)) << text;
    EXPECT_FALSE(is_allowed(make_address(text), true)) << text;
  }
}

TEST(AddressPolicy, LocalNames) {
  for (const char* name : {"localhost", "localhost.", "a.localhost", "printer.local", "db.internal"})
    EXPECT_TRUE(is_local_name(name)) << name;
  for (const char* name : {"example.com", "notlocalhost", "localhost.example.com"})
    EXPECT_FALSE(is_local_name(name)) << name;
}

}  // namespace
}  // namespace taskledger::reactors
