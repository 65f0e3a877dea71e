// Sets an option from past metrics at the start of a round.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sil/json.h"
#include "sil/records.h"

namespace sil {

using RoundMetrics = std::map<std::string, Metrics>;  // step -> metrics of one round

struct ControlInput {
  int64_t round = 1;                         // the round about to start
  const std::vector<RoundMetrics>* history;  // of rounds 1 .. round-1
  std::optional<Json> previous;              // what this control gave last round
  Json current;                              // the option's value in the recipe
};

class Control {
 public:
  virtual ~Control() = default;
  virtual std::optional<Json> value(const ControlInput& input) const = 0;  // nullopt: leave as it is
};

}  // namespace sil
