// Prepares the process (standard descriptors, what happens when memory or threads run out, logging), and hands over to
// the command line (app/cli.h).
#include "app/cli.h"
#include "app/logging.h"
#include "app/process_start.h"

int main(int argc, char** argv) {
  taskledger::app::take_standard_descriptors();
  taskledger::app::name_exhaustion();
  taskledger::app::set_up_logging(taskledger::app::LogFormat::text, "info");  // until a command says how
  return taskledger::app::run_command_line(argc, argv);
}
