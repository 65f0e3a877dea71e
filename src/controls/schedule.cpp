// Values by round. Three spellings:
//   [0.5, 0.7, 0.9]         one a round, the last one stays
//   [[1, 0.5], [10, 0.9]]   from that round on
//   {1: 0.5, 10: 0.9}       the same
// Where the option itself takes a list, a list of lists holds values: [[1, 6], [2, 6]] is (1, 6) in round 1.
#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "controls/controls.h"

namespace sil {
namespace {

struct ScheduleOptions {
  Json values;
  void visit(OptionVisitor& v) {
    v.option("values", values,
             {.help = "a list of values by round, a list of [round, value], or a map of rounds", .required = true});
  }
};

// Ascending rounds, each with the value from there on.
using Turns = std::vector<std::pair<int64_t, Json>>;

[[noreturn]] void refuse(const std::string& what, const std::string& hint) {
  throw Error(Exit::usage, "schedule: " + what, hint);
}

int64_t read_round(const std::string& text) {
  int64_t round = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, round);
  if (failure != std::errc() || stop != end || round < 1)
    refuse("'" + text + "' is no round; allowed: whole numbers from 1", "write {ROUND: VALUE}, as {1: 0.5, 10: 0.9}");
  return round;
}

Turns sorted(Turns turns) {
  std::stable_sort(turns.begin(), turns.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 1; i < turns.size(); ++i)
    if (turns[i].first == turns[i - 1].first)
      refuse("round " + std::to_string(turns[i].first) + " is given twice", "give each round once");
  return turns;
}

bool is_pair(const Json& entry) {
  return entry.is_array() && entry.as_array().size() == 2 && entry.as_array()[0].is_int() &&
         entry.as_array()[0].as_int() >= 1;
}

Turns turns_of_map(const Json& map) {
  Turns turns;
  for (const auto& [round, value] : map.as_object()) turns.emplace_back(read_round(round), value);
  return sorted(std::move(turns));
}

Turns turns_of_pairs(const Json& list) {
  Turns turns;
  for (const Json& entry : list.as_array()) turns.emplace_back(entry.as_array()[0].as_int(), entry.as_array()[1]);
  return sorted(std::move(turns));
}

Turns turns_of_values(const Json& list) {
  Turns turns;
  for (const Json& value : list.as_array()) turns.emplace_back(static_cast<int64_t>(turns.size()) + 1, value);
  return turns;
}

class Schedule final : public Control {
 public:
  explicit Schedule(ScheduleOptions options) : values_(std::move(options.values)) {
    if (values_.is_object() && !values_.as_object().empty()) {
      turns_of_map(values_);  // refuses what is no round now, not in the middle of a run
    } else if (!values_.is_array() || values_.as_array().empty()) {
      refuse("values is " + dump(values_) + "; allowed: a list or a map with at least one entry",
             "write [0.5, 0.7] or {1: 0.5, 10: 0.7}");
    }
  }

  std::optional<Json> value(const ControlInput& input) const override {
    std::optional<Json> value;
    for (auto& [round, given] : turns(input.current))
      if (round <= input.round) value = std::move(given);
    return value;
  }

 private:
  Turns turns(const Json& current) const {
    if (values_.is_object()) return turns_of_map(values_);
    const Json::Array& list = values_.as_array();
    const bool pairs = !current.is_array() && std::all_of(list.begin(), list.end(), is_pair);
    return pairs ? turns_of_pairs(values_) : turns_of_values(values_);
  }

  Json values_;
};

}  // namespace

void register_schedule(Registry<Control>& registry) {
  registry.add<Schedule, ScheduleOptions>("schedule", "fixed values by round", "values");
}

}  // namespace sil
