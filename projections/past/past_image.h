// The image of a workspace at an instant, made in the cheapest way: folded from the log, where little lies before the
// instant; else from the serving image, in which the tasks unchanged since are right already (past_copy.h). The others,
// and those deleted since, which it lacks, are folded anew: by their streams where they are few, else by a walk of the
// log from the oldest of them on. (Of the deleted it is not known how old they are.)
// Threads: any; the events up to the instant have all come (they are settled). Memory: the image; 16 bytes a task
// deleted since.
#pragma once

#include "projections/past/past_fold.h"
#include "projections/read_models.h"

namespace taskledger::projections {

struct PastWay {
  enum Way { cheapest, fold, streams, scan, scan_and_streams } way = cheapest;  // others for tests
  Row rows_at_once = 8192;  // copied while a writer may wait: about a millisecond
};

// nullptr when stopped meanwhile.
[[nodiscard]] Result<std::unique_ptr<Image>, storage::ReadError> past_image(ReadModels& live, const PastLog& log,
                                                                            Timestamp at, const PastWay& way = {});

}  // namespace taskledger::projections
