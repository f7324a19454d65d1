// Tasks as JSON, straight from the columns: exactly the text of append_task_json, without a Task in between.
// Threads: under the image's shared lock.
#pragma once

#include <span>
#include <string>

#include "projections/image/image.h"

namespace taskledger::projections {

// Appends the rows' tasks, joined by ','.
void append_rows_json(std::string& out, const Image& image, std::span<const Row> rows);

}  // namespace taskledger::projections
