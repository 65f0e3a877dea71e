// A dataset read through to its end whatever is wrong with it: every bad row, rows that say the same, prompts that are
// held out elsewhere, lengths in tokens. Rows are looked at in blocks by several threads and reported in their order.
// Of a row stay in memory some numbers, 64 bytes at most.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/threads.h"
#include "sil/codec.h"
#include "sil/error.h"
#include "tasks/columns.h"

namespace sil {

// Prompts that must not be trained on, by what they say: case and white space apart.
class HeldOutPrompts {
 public:
  void add(uint64_t prompt, const std::string& file, int line);
  std::optional<Place> find(uint64_t prompt) const;

 private:
  std::vector<std::string> files_;
  std::unordered_map<uint64_t, std::pair<uint32_t, int>> rows_;  // file and line
};

// Tokens of a row as training sees it.
struct RowLengths {
  int32_t prompt = 0;
  int32_t completion = 0;  // the longest of the texts that came with the row, with the token that ends it; 0: none
};

// A row and an earlier one that is the same problem with the same texts.
struct Repetition {
  int line = 0;
  int first = 0;
};

struct DatasetFacts {
  int64_t rows = 0;
  int64_t bad = 0;       // rows that a run would refuse
  int64_t held_out = 0;  // rows whose prompt is held out
  bool complete = true;  // false: what follows the last bad row cannot be read
  std::vector<Repetition> repetitions;
  std::vector<RowLengths> lengths;  // of the good rows, in order, where a codec was given
};

class DatasetCheck {
 public:
  using Report = std::function<void(const Finding&)>;

  // `field` as the option of `jsonl`. What may be null: `codec` (no lengths) and `held_out`. The rest outlives it.
  DatasetCheck(const Json& field, const Codec* codec, const HeldOutPrompts* held_out, ThreadPool& threads);

  // Reads a file; `report` gets every bad and every held-out row, in the file's order, then the ids that are there
  // twice. Throws Error(Exit::unreadable) when the file cannot be opened or has no rows.
  DatasetFacts run(const std::string& path, const Report& report);
  // The same, but the good rows' prompts are added to `held_out`.
  DatasetFacts hold_out(const std::string& path, HeldOutPrompts& held_out, const Report& report);

 private:
  class Pass;

  Columns given_;
  const Codec* codec_;
  const HeldOutPrompts* held_out_;
  ThreadPool& threads_;
};

}  // namespace sil
