#include "reactors/secrets.h"

#include <gtest/gtest.h>

#include "core/base64.h"

namespace taskledger::reactors {
namespace {

RandomBytes counting_bytes(std::uint8_t first) {
  return [next = first](std::span<std::uint8_t> out) mutable {
    for (auto& byte : out) byte = next++;
  };
}
const WebhookId kWebhook{*parse_uuid("0190a000-0000-7000-8000-000000000001")};
const WebhookId kOther{*parse_uuid("0190a000-0000-7000-8000-000000000002")};

// The example of the Standard Webhooks specification and of its libraries' tests.
TEST(Secrets, SignatureOfTheSpecificationsExample) {
  EXPECT_EQ(sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                 R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(Secrets, ASecretIsThePrefixAnd32Bytes) {
  const std::string secret = make_secret(counting_bytes(0));
  ASSERT_TRUE(secret.starts_with("whsec_"));
  const auto bytes = from_base64(std::string_view(secret).substr(6));
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->size(), 32u);
}

TEST(Secrets, SealedAndOpenedWithTheSameKeyAndWebhookOnly) {
  const SecretBox box(std::string(32, 'k')), other(std::string(32, 'x'));
  const std::string sealed = box.seal("whsec_abc", kWebhook, counting_bytes(7));
  EXPECT_EQ(sealed.find("whsec"), sealed.npos);
  EXPECT_EQ(box.open(sealed, kWebhook), "whsec_abc");
  EXPECT_EQ(box.open(sealed, kOther), std::nullopt);
  EXPECT_EQ(other.open(sealed, kWebhook), std::nullopt);
  EXPECT_EQ(box.open(sealed.substr(1), kWebhook), std::nullopt);
  EXPECT_EQ(box.open("", kWebhook), std::nullopt);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(box.open(changed, kWebhook), std::nullopt) << i;
  }
}

TEST(Base64, RoundTripAndRefusals) {
  for (const auto& [text, coded] :
       {std::pair{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}}) {
    EXPECT_EQ(to_base64(std::string_view(text)), coded);
    EXPECT_EQ(from_base64(coded), text);
  }
  for (const char* bad : {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "=Zg=", "Zg==Zg==", "Zm 9"})
    EXPECT_EQ(from_base64(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace taskledger::reactors
