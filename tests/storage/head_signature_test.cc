// Signed heads: only what was signed, by that key, for that workspace.
#include "storage/head_signature.h"

#include <gtest/gtest.h>

namespace taskledger::storage {
namespace {

const std::string kKey(32, 'k');
const WorkspaceId kAcme = workspace_id_of("acme");

WorkspaceHead head() {
  WorkspaceHead head;
  head.position = {42};
  head.hash[0] = 0xab;
  head.time = {1'742'205'600'000};
  return head;
}

TEST(HeadSignature, HoldsForWhatWasSigned) {
  const HeadSigner signer(kKey), again(kKey);
  const std::string signature = signer.sign(kAcme, head());
  EXPECT_EQ(signature, again.sign(kAcme, head())) << "the key is derived, so it lives over a restart";
  EXPECT_EQ(signer.key_id(), again.key_id());
  EXPECT_EQ(signer.key_id().size(), 16u);
  EXPECT_TRUE(again.is_signature(signature, kAcme, head()));
  EXPECT_EQ(signed_text(kAcme, head()).substr(0, 18), "taskledger head 1\n");
  EXPECT_NE(signer.public_key_pem().find("BEGIN PUBLIC KEY"), std::string::npos);
}

TEST(HeadSignature, FailsForAnythingElse) {
  const HeadSigner signer(kKey), other(std::string(32, 'o'));
  const std::string signature = signer.sign(kAcme, head());
  EXPECT_NE(signer.key_id(), other.key_id());
  EXPECT_FALSE(other.is_signature(signature, kAcme, head()));
  EXPECT_FALSE(signer.is_signature(signature, workspace_id_of("other"), head()));
  for (int change = 0; change < 3; ++change) {
    WorkspaceHead changed = head();
    if (change == 0) changed.position = {43};
    if (change == 1) changed.hash[31] = 1;
    if (change == 2) changed.time.ms += 1;
    EXPECT_FALSE(signer.is_signature(signature, kAcme, changed)) << change;
  }
  EXPECT_FALSE(signer.is_signature("", kAcme, head()));
  EXPECT_FALSE(signer.is_signature("AAAA", kAcme, head()));
}

}  // namespace
}  // namespace taskledger::storage
