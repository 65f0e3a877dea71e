// Decides whether a candidate becomes the incumbent.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sil/records.h"

namespace sil {

// One version's figures on the same problems under the same options.
struct Figures {
  Metrics metrics;
  std::map<uint64_t, double> per_problem;  // uid (with occurrence mixed in) -> mean score, for paired tests
};

struct GateInput {
  const Figures* incumbent = nullptr;  // null: the rule needs none, or there is none
  const Figures* candidate = nullptr;
  double value = 0;  // of the gate's metric for the candidate
  double incumbent_value = 0;
  uint64_t key = 0;  // random key of the gate's step, for resampling
};

struct Decision {
  bool accept = false;
  std::string reason;  // one line, with the figures
  Metrics metrics;     // p_value, difference and its interval ...
};

class Gate {
 public:
  virtual ~Gate() = default;
  virtual std::string metric() const = 0;  // "pass@1", "STEP.metric" or "" (always)
  virtual bool needs_incumbent() const = 0;
  virtual Decision decide(const GateInput& input) const = 0;
};

}  // namespace sil
