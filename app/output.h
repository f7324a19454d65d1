// Where a command's result goes: stdout, or a file, gzip by its name. A file appears under its name only once it is
// whole (a link stays one: the file that it leads to is written); what is there and no file (a pipe, a device) is
// written to as it is. Throws Failed when it cannot be written (a full disk, a closed pipe). Not for use by several
// threads.
#pragma once

#include <zlib.h>

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "app/unfinished_file.h"

namespace taskledger::app {

class Output {
 public:
  explicit Output(std::string path);  // empty or "-": stdout
  ~Output();                          // without finish(): leaves no file behind
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void write(std::string_view text);
  void finish();

 private:
  [[noreturn]] void fail() const;
  void flush();

  std::string path_, pending_;
  std::optional<UnfinishedFile> unfinished_;
  std::FILE* plain_ = nullptr;
  gzFile gzip_ = nullptr;
};

}  // namespace taskledger::app
