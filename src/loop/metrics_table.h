// metrics.csv: a row a sealed section, a column a figure. Columns stand as their figures first came, so that a new one
// only makes the rows before it longer.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "steps/run_state.h"

namespace sil {

class MetricsTable {
 public:
  void add(const RoundState& section);
  std::string text() const;  // "round,STEP.METRIC,...", then the rows; an empty cell where a section has no figure

 private:
  using Column = std::pair<std::string, std::string>;  // step, metric
  struct Row {
    std::string text;
    size_t columns = 0;  // those that `text` has
  };

  std::string header_ = "round";
  std::map<Column, size_t> columns_;
  std::vector<Row> rows_;
};

}  // namespace sil
