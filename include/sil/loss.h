// Losses are written once, over per-token log-probabilities. An atom never sees logits: an engine gives logp and takes
// dL/dlogp back (dlogits = dlogp * (onehot - p) / T). Only full-vocabulary `match` is an engine operation.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sil/records.h"

namespace sil {

// What a whole optimizer step divides by, whatever part of it is in memory.
struct StepTotals {
  double tokens = 0;     // target tokens
  double sequences = 0;  // sequences with at least one target token
  double pairs = 0;
};

// A shard of one optimizer step. N tokens in S sequences; whole sequences and whole pairs only.
struct LossInput {
  std::span<const int32_t> begin;         // [S+1] offsets of sequences into the token arrays
  std::span<const uint8_t> target;        // [N] 1 where the token is trained on, 0 = context
  std::span<const float> credit;          // [N] example credit times segment weight; read where target is 1
  std::span<const float> logp;            // [N] under the weights being trained
  std::span<const float> old_logp;        // [N] as sampled; empty unless Loss::needs_old
  std::span<const float> reference_logp;  // [N] under the reference; empty unless Loss::needs_reference
  bool pairs = false;                     // sequences 2i (chosen) and 2i+1 (rejected) form a pair
  StepTotals totals;                      // of the whole step
};

struct LossOutput {
  std::span<float> dlogp;  // [N] accumulated into
  double value = 0;        // accumulated into; this shard's share of the step's loss
  Metrics sums;            // accumulated into; divided by totals.tokens for display (clipped, kl ...)
};

// The engine's part of a full-vocabulary `match`: KL against another version of the same model, token by token.
enum class Divergence : uint8_t { forward_kl, reverse_kl };

// One term of a loss. Immutable, thread-safe.
class LossAtom {
 public:
  virtual ~LossAtom() = default;
  virtual bool needs_old() const { return false; }        // pg: the rollouts' stored log-probs
  virtual bool needs_reference() const { return false; }  // margin, match on sampled tokens
  virtual bool needs_pairs() const { return false; }      // margin
  virtual bool at_temperature() const { return false; }   // logp at the rollout's temperature instead of 1
  virtual void add(const LossInput& input, LossOutput& output) const = 0;
};

// A weighted sum of atoms, as the recipe says it.
struct LossTerm {
  std::string name;
  // Shared: built once by the recipe, read by every shard.
  std::shared_ptr<const LossAtom> atom;
  double coef = 1;
  // Full-vocabulary match: `atom` is null and the engine computes this divergence to `LossSpec::reference`.
  Divergence divergence = Divergence::reverse_kl;
};

struct LossSpec {
  std::vector<LossTerm> terms;
};

// What the recipe names under `loss:`: an atom with its options, or a published preset of one. Options of every loss:
// `coef` (of the term) and, of match, `to` (the version it compares with).
class LossPlugin {
 public:
  virtual ~LossPlugin() = default;
  virtual LossTerm term() const = 0;
  virtual Json reference() const { return {}; }  // version the term compares with; null = the step's `reference`
};

}  // namespace sil
