// An update of a table: its optimizer steps, from the first or from a checkpoint.
#pragma once

#include <optional>
#include <stop_token>

#include "base/threads.h"
#include "engines/table_format.h"
#include "engines/table_state.h"
#include "sil/engine.h"

namespace sil {

struct TableUpdate {
  TrainBatches& batches;
  const LossSpec& loss;
  const OptimizerOptions& optimizer;
  const ContextTable* reference = nullptr;  // null unless a term reads the whole vocabulary
  std::optional<UpdateCheckpoint> resume;
  UpdateSink& sink;
  ThreadPool& pool;
};

// Leaves `state` after the last step that was done, its rows sorted; returns how many steps that is.
int64_t run_table_update(TableState& state, const TableShape& shape, const TableUpdate& update, std::stop_token stop);

}  // namespace sil
