// What comes before everything else in the process: nothing here may allocate, print or start a thread.
#pragma once

namespace taskledger::app {

// A process may be started with its descriptors 0, 1 or 2 closed (`>&-`): the next files to be opened would get these
// numbers, and what is printed would be written into the data. What is closed stays unusable, so that a result that
// nobody can read is a failure as before.
void take_standard_descriptors();

// Where memory or threads run out inside a library that does not expect it: one line and exit code 1 instead of an
// abort. What else ends the program (a bug) aborts as it did.
void name_exhaustion();

}  // namespace taskledger::app
