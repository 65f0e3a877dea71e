#include "loop/metrics_table.h"

#include <algorithm>

namespace sil {
namespace {

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

}  // namespace

void MetricsTable::add(const RoundState& section) {
  const RoundMetrics metrics = section.metrics();
  std::map<size_t, double> cells;
  for (const std::string& step : section.order) {
    const auto figures = metrics.find(step);
    if (figures == metrics.end()) continue;
    for (const auto& [name, value] : figures->second) {
      const auto [column, is_new] = columns_.try_emplace({step, name}, columns_.size());
      if (is_new) header_ += "," + csv_field(step + "." + name);
      cells[column->second] = value;
    }
  }
  Row row{section.label, columns_.size()};
  for (size_t column = 0; column < row.columns; ++column) {
    row.text += ",";
    if (const auto cell = cells.find(column); cell != cells.end()) append_json_number(row.text, cell->second);
  }
  rows_.push_back(std::move(row));
}

std::string MetricsTable::text() const {
  std::string out = header_ + "\n";
  for (const Row& row : rows_) out += row.text + std::string(columns_.size() - row.columns, ',') + "\n";
  return out;
}

}  // namespace sil
