#include "app/cli.h"
#include "app/process_start.h"

int main(int argc, char** argv) {
  taskledger::app::take_standard_descriptors();
  taskledger::app::name_exhaustion();
  return taskledger::app::run_command_line(argc, argv);
}
