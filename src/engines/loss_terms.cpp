#include "engines/loss_terms.h"

namespace sil {

LossTerms::LossTerms(const LossSpec& spec) : spec_(spec) {
  for (const LossTerm& term : spec.terms) {
    full_vocabulary_ = full_vocabulary_ || !term.atom;
    const bool at_temperature = term.atom && term.atom->at_temperature();
    (at_temperature ? sampled_ : plain_) = true;
  }
}

void LossTerms::run(const TrainBatch& batch, size_t first, size_t last, const StepTotals& totals, LossSide plain,
                    LossSide sampled, std::span<TermShare> shares) const {
  const auto from = static_cast<size_t>(batch.begin[first]);
  const size_t size = static_cast<size_t>(batch.begin[last]) - from;
  std::vector<int32_t> begin(batch.begin.begin() + static_cast<std::ptrdiff_t>(first),
                             batch.begin.begin() + static_cast<std::ptrdiff_t>(last + 1));
  for (int32_t& offset : begin) offset -= static_cast<int32_t>(from);
  const auto part = [&](const std::vector<float>& values) {
    return values.empty() ? std::span<const float>() : std::span<const float>(values).subspan(from, size);
  };
  LossInput input{.begin = begin,
                  .target = std::span<const uint8_t>(batch.target).subspan(from, size),
                  .credit = part(batch.credit),
                  .logp = {},
                  .old_logp = part(batch.old_logp),
                  .reference_logp = part(batch.reference_logp),
                  .pairs = batch.pairs,
                  .totals = totals};
  std::vector<float> dlogp(size);
  for (size_t t = 0; t < size_t{spec_.terms.size()}; ++t) {
    const LossTerm& term = spec_.terms[t];
    if (!term.atom) continue;
    const LossSide& side = term.atom->at_temperature() ? sampled : plain;
    input.logp = side.logp;
    dlogp.assign(size, 0);
    LossOutput output{.dlogp = dlogp, .value = 0, .sums = {}};
    term.atom->add(input, output);
    const auto coef = static_cast<float>(term.coef);
    for (size_t n = 0; n < size; ++n) side.dlogp[n] += coef * dlogp[n];
    shares[t].value += output.value;
    for (const auto& [name, sum] : output.sums) shares[t].sums[name] += sum;
  }
}

LossTerms::Sum LossTerms::add_up(std::span<const TermShare> shares, const StepTotals& totals) const {
  Sum out;
  const size_t terms = spec_.terms.size();
  for (size_t i = 0; i < shares.size(); ++i) {
    const LossTerm& term = spec_.terms[i % terms];
    out.loss += term.coef * shares[i].value;
    if (terms > 1 && term.atom) out.metrics[term.name + ".loss"] += shares[i].value;
    if (totals.tokens == 0) continue;
    for (const auto& [name, sum] : shares[i].sums) out.metrics[term.name + "." + name] += sum / totals.tokens;
  }
  return out;
}

}  // namespace sil
