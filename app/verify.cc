// `verify`: walks the whole log: chains, versions, gaps, indexes; and whether a head that somebody kept is still on it.
#include "storage/verify.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <thread>

#include "app/command.h"
#include "app/kept_head.h"
#include "app/need.h"
#include "app/open_data.h"
#include "app/progress.h"
#include "core/text.h"
#include "storage/head_signature.h"

namespace taskledger::app {
namespace {

struct VerifySettings {
  std::string data, head_file, workspace, key_file;
  bool print_key = false, json = false;
  unsigned threads = 0;
};

// The server's key, when this process may read it.
std::optional<storage::HeadSigner> signer_of(const OpenReader& open) {
  const auto& key = open.directory->secret_key();
  if (std::all_of(key.begin(), key.end(), [](auto byte) { return byte == 0; })) return std::nullopt;
  return storage::HeadSigner(std::string_view(reinterpret_cast<const char*>(key.data()), key.size()));
}

// Which workspace a kept head is of: named, or the one that its signature is for, or the only one.
Workspace workspace_of(const VerifySettings& settings, const KeptHead& kept, const projections::Directory& directory,
                       const storage::HeadSigner* signer) {
  if (!settings.workspace.empty()) return workspace_named(directory, settings.workspace);
  if (kept.workspace) {
    if (const auto named = directory.workspace(*kept.workspace)) return *named;
    throw Failed(settings.head_file + ": its workspace is not in this log");
  }
  const auto workspaces = directory.workspaces();
  for (const Workspace& workspace : workspaces) {
    if (signer && signer->is_signature(kept.signature, workspace.id, kept.head)) return workspace;
  }
  if (workspaces.size() == 1) return workspaces.front();
  if (signer) throw Failed(settings.head_file + ": its signature is wrong for every workspace: it was altered");
  throw Failed(settings.head_file + ": of which workspace? Say it with --workspace");
}

void check_kept_head(const VerifySettings& settings, const OpenReader& open) {
  const KeptHead kept = read_kept_head(settings.head_file);
  projections::Directory directory;
  fold_directory(*open.log, directory);
  auto signer = signer_of(open);
  if (signer && signer->key_id() != kept.key_id) signer.reset();
  const Workspace workspace = workspace_of(settings, kept, directory, signer ? &*signer : nullptr);
  if (signer && !signer->is_signature(kept.signature, workspace.id, kept.head))
    throw Failed(settings.head_file + ": its signature is wrong: it was altered, or is of another workspace");
  if (!signer) {
    fmt::print(stderr, "{}: {}; only position and hash are checked\n", settings.head_file,
               kept.signature.empty() ? "is not signed" : "the key that signed it (" + kept.key_id + ") is not here");
  }
  need(storage::verify_kept_head(*open.log, workspace.number, kept.head));
}

void print_finding(const VerifySettings& settings, const std::string& finding) {
  if (!settings.json) return fmt::print("{}\n", finding);
  std::string out = R"({"ok":false,"finding":)";
  append_json_string(out, finding);
  fmt::print("{}}}\n", out);
}

int run_verify(const VerifySettings& settings) {
  const OpenReader open = open_to_read(settings.data, settings.key_file);
  if (settings.print_key) {
    const auto signer = signer_of(open);
    if (!signer) throw Failed(settings.data + ": its secret.key cannot be read");
    fmt::print("{}", signer->public_key_pem());
    return kDone;
  }
  Progress progress("verified");
  storage::VerifyOptions options;
  options.threads = settings.threads > 0 ? settings.threads : std::max(1u, std::thread::hardware_concurrency());
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    progress.update(done, static_cast<double>(done) / static_cast<double>(std::max<std::uint64_t>(total, 1)));
  };
  const auto verified = storage::verify_log(*open.directory, options);
  if (!verified) {
    print_finding(settings, verified.error().what);  // is this command's result
    throw Failed(settings.data + ": " + verified.error().what);
  }
  if (!settings.head_file.empty()) {
    try {
      check_kept_head(settings, open);
    } catch (const Failed& wrong) {
      if (settings.json) print_finding(settings, wrong.what());
      throw;
    }
  }
  fmt::print(
      fmt::runtime(settings.json ? "{{\"ok\":true,\"events\":{},\"head\":\"{}\"}}\n" : "ok: {} events, head {}\n"),
      verified->events, storage::to_hex(verified->head.hash));
  return kDone;
}

}  // namespace

void add_verify(CLI::App& root, Run& run) {
  auto settings = std::make_shared<VerifySettings>();
  CLI::App* command = root.add_subcommand(
      "verify", "Walk the log and check its hash chains, versions and gaps; may run beside a server");
  add_data_option(*command, settings->data);
  auto* head = command
                   ->add_option("--head", settings->head_file,
                                "A head of a workspace kept earlier (JSON): nothing before it was altered")
                   ->type_name("FILE");
  command->add_option("--workspace", settings->workspace, "The workspace of --head, when there are several")
      ->check(not_empty())
      ->type_name("NAME")
      ->needs(head);
  command->add_option("--key-file", settings->key_file, "Where secret.key is, when not in the data directory")
      ->type_name("FILE");
  command->add_flag("--print-key", settings->print_key, "Only print the public key that checks signed heads, PEM");
  command->add_option("--threads", settings->threads, "0: one a core")
      ->check(between(0, 256))
      ->type_name("N")
      ->capture_default_str();
  command->add_flag("--json", settings->json, "As JSON");
  command->callback([settings, &run] { run = [settings] { return run_verify(*settings); }; });
}

}  // namespace taskledger::app
