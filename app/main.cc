#include "app/cli.h"
#include "app/process_start.h"

int main(int argc, char** argv) {
  taskledger::app::take_standard_descriptors();
  return taskledger::app::run_command_line(argc, argv);
}
