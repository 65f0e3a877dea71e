#include "engines/table_step.h"

#include <algorithm>
#include <limits>

#include "base/math.h"
#include "engines/pieces.h"
#include "sil/error.h"

namespace sil {

TableStep::TableStep(const LossSpec& loss, const ContextTable* reference, ThreadPool& pool)
    : loss_spec_(loss), terms_(loss), reference_(reference), pool_(pool) {
  plain_.used = terms_.plain();
  sampled_.used = terms_.sampled();
  SIL_CHECK(!terms_.full_vocabulary() || reference != nullptr);
}

void TableStep::run(const TrainBatch& batch, ContextTable& table) {
  totals_ = step_totals(batch);
  find_places(batch, table);
  take_log_probs(batch, table);
  const std::vector<MicroShard> shards = micro_shards(batch);
  const size_t terms = loss_spec_.terms.size();
  shares_.assign(shards.size() * terms, {});
  for_pieces(pool_, shards.size(), 1, [&](size_t first, size_t last) {
    for (size_t i = first; i < last; ++i) run_shard(batch, shards[i], std::span(shares_).subspan(i * terms, terms));
  });
  gather(batch, table);
  add_up();
}

void TableStep::find_places(const TrainBatch& batch, ContextTable& table) {
  for (int32_t row : rows_) head_[static_cast<size_t>(row)] = -1;
  rows_.clear();
  places_.clear();
  for (Side* side : {&plain_, &sampled_})
    if (side->used) side->place.assign(batch.ids.size(), -1);
  for (size_t s = 0; s + 1 < batch.begin.size(); ++s) {
    ContextWindow window(table.context());
    for (auto n = static_cast<size_t>(batch.begin[s]); n < static_cast<size_t>(batch.begin[s + 1]); ++n) {
      if (batch.target[n]) {
        const int32_t row = table.find_or_add(window.ids());
        if (plain_.used) plain_.place[n] = place_of(row, 1);
        if (sampled_.used) sampled_.place[n] = place_of(row, batch.temperature[s]);
        if (terms_.full_vocabulary()) places_[static_cast<size_t>(plain_.place[n])].tokens += 1;
      }
      window.push(batch.ids[n]);
    }
  }
}

int32_t TableStep::place_of(int32_t row, float temperature) {
  const auto index = static_cast<size_t>(row);
  if (index >= head_.size()) head_.resize(index + 1, -1);
  for (int32_t at = head_[index]; at >= 0; at = places_[static_cast<size_t>(at)].next)
    if (places_[static_cast<size_t>(at)].temperature == temperature) return at;
  Place place{.row = row, .next = head_[index], .target = 0, .temperature = temperature, .sum = {}};
  if (place.next < 0) {
    place.target = static_cast<int32_t>(rows_.size());
    rows_.push_back(row);
  } else {
    place.target = places_[static_cast<size_t>(place.next)].target;
  }
  head_[index] = static_cast<int32_t>(places_.size());
  places_.push_back(place);
  return head_[index];
}

void TableStep::take_log_probs(const TrainBatch& batch, const ContextTable& table) {
  for_pieces(pool_, places_.size(), rows_a_piece(table.vocabulary()), [&](size_t first, size_t last) {
    LogSoftmax softmax(table.vocabulary());
    for (size_t p = first; p < last; ++p)
      places_[p].sum = softmax.scaled_sum(table.logits(places_[p].row), places_[p].temperature);
  });
  for (Side* side : {&plain_, &sampled_}) {
    if (!side->used) continue;
    side->logp.assign(batch.ids.size(), 0);
    side->dlogp.assign(batch.ids.size(), 0);
    for (size_t n = 0; n < batch.ids.size(); ++n) {
      if (side->place[n] < 0) continue;
      const Place& place = places_[static_cast<size_t>(side->place[n])];
      const float logit = table.logits(place.row)[static_cast<size_t>(batch.ids[n])];
      side->logp[n] = place.sum.log_prob(logit / place.temperature);
    }
  }
}

void TableStep::run_shard(const TrainBatch& batch, const MicroShard& shard, std::span<TermShare> shares) {
  const auto first = static_cast<size_t>(batch.begin[shard.first]);
  const size_t size = static_cast<size_t>(batch.begin[shard.last]) - first;
  const auto side = [&](Side& of) {
    return of.used ? LossSide{std::span<const float>(of.logp).subspan(first, size),
                              std::span<float>(of.dlogp).subspan(first, size)}
                   : LossSide{};
  };
  terms_.run(batch, shard.first, shard.last, totals_, side(plain_), side(sampled_), shares);
}

void TableStep::gather(const TrainBatch& batch, const ContextTable& table) {
  const size_t width = table.vocabulary();
  gradient_.assign(rows_.size() * width, 0);
  for (const Side* side : {&plain_, &sampled_})
    if (side->used) scatter(batch, *side, width);
  for_pieces(pool_, rows_.size(), rows_a_piece(width), [&](size_t first, size_t last) {
    LogSoftmax softmax(width);
    for (size_t r = first; r < last; ++r) {
      for (int32_t at = head_[static_cast<size_t>(rows_[r])]; at >= 0; at = places_[static_cast<size_t>(at)].next) {
        const Place& place = places_[static_cast<size_t>(at)];
        softmax.scaled_sum(table.logits(place.row), place.temperature);
        const std::span<const float> p = softmax.probabilities(place.sum);
        const auto weight = static_cast<float>(place.dlogp) / place.temperature;
        for (size_t j = 0; j < width; ++j) gradient_[r * width + j] -= weight * p[j];
      }
    }
  });
  loss_ = 0;
  metrics_.clear();
  for (const LossTerm& term : loss_spec_.terms)
    if (!term.atom) add_divergence(term, table);
}

// The part of the gradient that falls on the tokens themselves.
void TableStep::scatter(const TrainBatch& batch, const Side& side, size_t width) {
  for (size_t n = 0; n < batch.ids.size(); ++n) {
    if (side.place[n] < 0) continue;
    Place& place = places_[static_cast<size_t>(side.place[n])];
    place.dlogp += static_cast<double>(side.dlogp[n]);
    gradient_[static_cast<size_t>(place.target) * width + static_cast<size_t>(batch.ids[n])] +=
        side.dlogp[n] / place.temperature;
  }
}

// KL over the vocabulary between this table (S) and the reference (T), at temperature 1, once a row.
//   KL(T|S) = sum T (log T - log S), d/dz_j = S_j - T_j      KL(S|T) = sum S (log S - log T), d/dz_j = S_j (log S_j -
//   log T_j - KL)
void TableStep::add_divergence(const LossTerm& term, const ContextTable& table) {
  if (totals_.tokens == 0) return;
  const size_t width = table.vocabulary();
  LogSoftmax student(width);
  LogSoftmax teacher(width);
  double total = 0;
  for (const Place& place : places_) {
    if (place.tokens == 0) continue;
    const LogSum sum_s = student.scaled_sum(table.logits(place.row), 1);
    const LogSum sum_t =
        teacher.scaled_sum(reference_->logits(reference_->find(table.ids(static_cast<size_t>(place.row)))), 1);
    const std::span<const float> s = student.probabilities(sum_s);
    const std::span<const float> t = teacher.probabilities(sum_t);
    const auto difference = [&](size_t j) {  // log S - log T
      return static_cast<double>(sum_s.log_prob(student.row()[j])) -
             static_cast<double>(sum_t.log_prob(teacher.row()[j]));
    };
    const bool forward = term.divergence == Divergence::forward_kl;
    double kl = 0;
    for (size_t j = 0; j < width; ++j)
      kl += forward ? -difference(j) * static_cast<double>(t[j]) : difference(j) * static_cast<double>(s[j]);
    const double weight = term.coef * place.tokens / totals_.tokens;
    total += place.tokens * kl;
    float* gradient = gradient_.data() + static_cast<size_t>(place.target) * width;
    for (size_t j = 0; j < width; ++j) {
      const double slope = forward ? static_cast<double>(s[j]) - static_cast<double>(t[j])
                                   : static_cast<double>(s[j]) * (difference(j) - kl);
      gradient[j] += static_cast<float>(weight * slope);
    }
  }
  loss_ += term.coef * total / totals_.tokens;
  metrics_[term.name + ".kl"] += total / totals_.tokens;
}

void TableStep::add_up() {
  LossTerms::Sum sum = terms_.add_up(shares_, totals_);
  loss_ += sum.loss;
  for (const auto& [name, value] : sum.metrics) metrics_[name] += value;
}

}  // namespace sil
