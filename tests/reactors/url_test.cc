#include "reactors/url.h"

#include <gtest/gtest.h>

namespace taskledger::reactors {
namespace {

TEST(Url, PartsAndDefaults) {
  const auto url = parse_url("HTTPS://Example.COM/Hooks/a?b=c");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->secure);
  EXPECT_EQ(url->host, "example.com");
  EXPECT_EQ(url->port, 443);
  EXPECT_EQ(url->target, "/Hooks/a?b=c");
  EXPECT_EQ(url->authority(), "example.com");
}

TEST(Url, WhatIsAccepted) {
  struct Case {
    const char* text;
    const char* host;
    unsigned port;
    const char* target;
    const char* authority;
  };
  for (const Case& c :
       {Case{"http://a", "a", 80, "/", "a"}, Case{"http://a:80/", "a", 80, "/", "a"},
        Case{"http://a:8080?x", "a", 8080, "/?x", "a:8080"}, Case{"https://a:80/", "a", 80, "/", "a:80"},
        Case{"http://a.:/", "a.", 80, "/", "a."}, Case{"http://127.0.0.1:9/x", "127.0.0.1", 9, "/x", "127.0.0.1:9"},
        Case{"http://[2001:DB8:0::1]:9/x", "2001:db8::1", 9, "/x", "[2001:db8::1]:9"},
        Case{"http://xn--bcher-kva.example", "xn--bcher-kva.example", 80, "/", "xn--bcher-kva.example"}}) {
    const auto url = parse_url(c.text);
    ASSERT_TRUE(url) << c.text << ": " << url.error().message;
    EXPECT_EQ(url->host, c.host) << c.text;
    EXPECT_EQ(url->port, c.port) << c.text;
    EXPECT_EQ(url->target, c.target) << c.text;
    EXPECT_EQ(url->authority(), c.authority) << c.text;
  }
}

TEST(Url, WhatIsRefusedNamesTheField) {
  for (const std::string text : {"",
                                 "example.com",
                                 "/hooks",
                                 "ftp://a/",
                                 "file:///etc/passwd",
                                 "javascript://a",
                                 "http://",
                                 "http:///x",
                                 "http://user@a/",
                                 "http://user:secret@a/",
                                 "http://a/#top",
                                 "http://a b/",
                                 "http://a/\n",
                                 "http://bücher.example",
                                 "http://a\\@b/",
                                 "http://a:0/",
                                 "http://a:65536/",
                                 "http://a:8x/",
                                 "http://[::1/",
                                 "http://[fe80::1%eth0]/",
                                 "http://[::g]/",
                                 "http://[::1]x/",
                                 "http://a..b/",
                                 "http://-%41/",
                                 "http://127.1/",
                                 "http://2130706433/",
                                 "http://0x7f000001/",
                                 "http://0x7f.1/",
                                 "http://0177.0.0.1/",
                                 "http://127.0.0.1./",
                                 "http://1.2.3.4.5/",
                                 "http://256.1.1.1/"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_TRUE(url.error().message.starts_with("Field 'url' ")) << url.error().message;
  }
  EXPECT_FALSE(parse_url("http://a/" + std::string(kMaxUrlBytes, 'x')));
}

}  // namespace
}  // namespace taskledger::reactors
