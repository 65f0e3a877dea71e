#include "nn/trainer.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

#include "nn/scorer.h"
#include "nn/tape.h"
#include "sil/error.h"

namespace sil::nn {
namespace {

constexpr int64_t kPiece = 64 * 1024;  // floats that make a piece of a flat buffer worth a thread's attention

int64_t pieces(int64_t floats) {
  return (floats + kPiece - 1) / kPiece;
}

// One optimizer's target tokens among the rows of a pack.
struct Targets {
  std::vector<int32_t> rows;    // whose logits predict them
  std::vector<int32_t> places;  // of the tokens within the pack
  std::vector<TokenId> ids;
  std::vector<float> temperature;
};

Targets targets_of(const TrainBatch& batch, size_t first, size_t last) {
  Targets out;
  const int32_t from = batch.begin[first];
  for (size_t s = first; s < last; ++s) {
    for (int32_t n = batch.begin[s]; n < batch.begin[s + 1]; ++n) {
      if (batch.target[static_cast<size_t>(n)] == 0) continue;
      if (n == batch.begin[s])
        throw Error(Exit::unreadable, "an example's first token is trained on: nothing stands before it",
                    "give the problem a prompt: this model predicts a token from those before it");
      out.rows.push_back(n - from - 1);
      out.places.push_back(n - from);
      out.ids.push_back(batch.ids[static_cast<size_t>(n)]);
      out.temperature.push_back(batch.temperature[s]);
    }
  }
  return out;
}

// Sequences [first, last) of a shard, cut by tokens; pairs stay whole.
std::vector<MicroShard> packs_of(const TrainBatch& batch, const MicroShard& shard) {
  std::vector<MicroShard> packs;
  const size_t stride = batch.pairs ? 2 : 1;
  size_t first = shard.first;
  for (size_t s = first + stride; s < shard.last; s += stride) {
    if (batch.begin[s + stride] - batch.begin[first] <= kPackTokens) continue;
    packs.push_back({first, s});
    first = s;
  }
  packs.push_back({first, shard.last});
  return packs;
}

}  // namespace

// Buffers of one thread at work on a shard.
class Trainer::Worker {
 public:
  Worker(const Trainer& trainer)
      : trainer_(trainer),
        gradient_(trainer.model_.trained().floats),
        factors_(factors_of(trainer, gradient_)),
        weights_(trainer.model_.shape(), trainer.model_.parameters(), trainer.state_.read(),
                 factors_ ? nullptr : gradient_.data(), factors_ ? &*factors_ : nullptr),
        tape_(trainer.model_.kernels(), arena_, true) {}

  const Buffer& gradient() const { return gradient_; }

  void run(const TrainBatch& batch, const MicroShard& shard, size_t index, Trainer& out) {
    gradient_.clear();
    for (const MicroShard& pack : packs_of(batch, shard)) run_pack(batch, pack, index, out);
  }

 private:
  static std::optional<LoraFactors> factors_of(const Trainer& trainer, Buffer& gradient) {
    const Lora* const lora = trainer.model_.lora();
    if (lora == nullptr) return std::nullopt;
    return LoraFactors(*lora, trainer.state_.weights.data(), gradient.data());
  }

  // Log-probs of a pack's targets by one temperature rule, and what comes back.
  struct Side {
    std::vector<float> temperature;
    std::vector<LogSum> sums;
    std::vector<float> target_logp;  // [targets]
    std::vector<float> logp;         // [tokens], 0 where nothing is predicted
    std::vector<float> dlogp;        // [tokens]
  };

  void run_pack(const TrainBatch& batch, const MicroShard& pack, size_t index, Trainer& out) {
    const Targets targets = targets_of(batch, pack.first, pack.last);
    if (targets.rows.empty()) return;
    const int32_t from = batch.begin[pack.first];
    const auto size = static_cast<size_t>(batch.begin[pack.last] - from);
    std::vector<int64_t> begin;
    for (size_t s = pack.first; s <= pack.last; ++s) begin.push_back(batch.begin[s] - from);
    const Layout layout = packed_layout(begin);
    const auto ids = std::span(batch.ids).subspan(static_cast<size_t>(from), size);
    const ArenaScope scope(arena_);
    tape_.clear();
    const Var logits =
        decoder(tape_, trainer_.model_.shape(), weights_, trainer_.model_.rotary(), ids, layout, targets.rows);
    Side plain;
    Side sampled;
    const LossTerms& terms = trainer_.terms_;
    if (terms.plain()) read(plain, std::vector<float>(targets.ids.size(), 1), targets, logits, size);
    if (terms.sampled()) read(sampled, targets.temperature, targets, logits, size);
    const auto shares = std::span(out.shares_).subspan(index * terms.size(), terms.size());
    terms.run(batch, pack.first, pack.last, trainer_.totals_, {plain.logp, plain.dlogp}, {sampled.logp, sampled.dlogp},
              shares);
    if (terms.plain()) write(plain, targets, logits);
    if (terms.sampled()) write(sampled, targets, logits);
    if (terms.full_vocabulary()) diverge(ids, layout, targets, logits, index, out);
    tape_.backward();
  }

  void read(Side& side, std::vector<float> temperature, const Targets& targets, Var logits, size_t tokens) {
    side.temperature = std::move(temperature);
    side.sums.resize(targets.ids.size());
    side.target_logp.resize(targets.ids.size());
    side.logp.resize(tokens);
    side.dlogp.resize(tokens);
    trainer_.model_.kernels().log_probs(tape_.value(logits), targets.ids, side.temperature, side.sums,
                                        side.target_logp);
    for (size_t i = 0; i < targets.places.size(); ++i)
      side.logp[static_cast<size_t>(targets.places[i])] = side.target_logp[i];
  }

  void write(const Side& side, const Targets& targets, Var logits) {
    std::vector<float> dlogp;
    dlogp.reserve(targets.places.size());
    for (int32_t place : targets.places) dlogp.push_back(side.dlogp[static_cast<size_t>(place)]);
    trainer_.model_.kernels().log_probs_backward(tape_.value(logits), targets.ids, side.temperature, side.sums, dlogp,
                                                 tape_.gradient(logits));
  }

  // The terms that the engine computes itself, with the logits of the reference.
  void diverge(std::span<const TokenId> ids, const Layout& layout, const Targets& targets, Var logits, size_t index,
               Trainer& out) {
    const Model& model = trainer_.model_;
    const DecoderWeights reference(model.shape(), model.parameters(), trainer_.reference_->read(), nullptr);
    Tape tape(model.kernels(), arena_, false);
    const Var other = decoder(tape, model.shape(), reference, model.rotary(), ids, layout, targets.rows);
    for (size_t t = 0; t < trainer_.terms_.size(); ++t) {
      const LossTerm& term = trainer_.terms_[t];
      if (term.atom || trainer_.totals_.tokens == 0) continue;
      const double kl =
          model.kernels().divergence(tape_.value(logits), tape.value(other), term.divergence == Divergence::forward_kl,
                                     term.coef / trainer_.totals_.tokens, tape_.gradient(logits));
      out.divergence_[index] += term.coef * kl / trainer_.totals_.tokens;
      out.divergence_metrics_[index][term.name + ".kl"] += kl / trainer_.totals_.tokens;
    }
  }

  const Trainer& trainer_;
  Buffer gradient_;
  std::optional<LoraFactors> factors_;
  DecoderWeights weights_;
  Arena arena_;
  Tape tape_;
};

// Workers that are free, and whose shard is to be added next.
struct Trainer::Turns {
  std::mutex mutex;
  std::condition_variable turn;
  std::vector<std::unique_ptr<Worker>> idle;
  int64_t next = 0;
  bool failed = false;
};

Trainer::Trainer(const Model& model, const Trained& trained, const LossSpec& loss, const OptimizerOptions& options,
                 ThreadPool& pool)
    : model_(model),
      state_(trained.state),
      base_(trained.base),
      reference_(trained.reference),
      terms_(loss),
      options_(options),
      pool_(pool),
      gradient_(model.trained().floats),
      turns_(std::make_unique<Turns>()) {
  SIL_CHECK(!terms_.full_vocabulary() || reference_ != nullptr);
}

Trainer::~Trainer() = default;

void Trainer::run_shard(const TrainBatch& batch, const MicroShard& shard, int64_t index) {
  std::unique_lock lock(turns_->mutex);
  std::unique_ptr<Worker> worker;
  if (turns_->idle.empty()) {
    lock.unlock();
    worker = std::make_unique<Worker>(*this);
    lock.lock();
  } else {
    worker = std::move(turns_->idle.back());
    turns_->idle.pop_back();
  }
  lock.unlock();
  try {
    worker->run(batch, shard, static_cast<size_t>(index), *this);
  } catch (...) {
    lock.lock();
    turns_->failed = true;  // nobody waits for a shard that never comes
    turns_->turn.notify_all();
    throw;
  }
  lock.lock();
  turns_->turn.wait(lock, [&] { return turns_->next == index || turns_->failed; });
  if (!turns_->failed) {
    lock.unlock();
    model_.kernels().add_into(worker->gradient().data(), gradient_.size(), gradient_.data());
    lock.lock();
    ++turns_->next;
    turns_->turn.notify_all();
  }
  turns_->idle.push_back(std::move(worker));
}

double Trainer::gradient_norm() {
  std::vector<double> squares(static_cast<size_t>(pieces(gradient_.size())));
  pool_.for_each(static_cast<int64_t>(squares.size()), [&](int64_t p) {
    const int64_t first = p * kPiece;
    squares[static_cast<size_t>(p)] =
        model_.kernels().sum_of_squares(gradient_.data() + first, std::min(kPiece, gradient_.size() - first));
  });
  double total = 0;
  for (double part : squares) total += part;
  return std::sqrt(total);
}

Trainee::Step Trainer::learn(const TrainBatch& batch) {
  for (size_t s = 0; s + 1 < batch.begin.size(); ++s)
    model_.check_length("finetune: an example", batch.begin[s + 1] - batch.begin[s]);
  totals_ = step_totals(batch);
  const std::vector<MicroShard> shards = micro_shards(batch);
  shares_.assign(shards.size() * terms_.size(), {});
  divergence_.assign(shards.size(), 0);
  divergence_metrics_.assign(shards.size(), {});
  gradient_.clear();
  turns_->next = 0;
  turns_->failed = false;
  pool_.for_each(static_cast<int64_t>(shards.size()),
                 [&](int64_t i) { run_shard(batch, shards[static_cast<size_t>(i)], i); });
  LossTerms::Sum sum = terms_.add_up(shares_, totals_);
  for (size_t i = 0; i < shards.size(); ++i) {
    sum.loss += divergence_[i];
    for (const auto& [name, value] : divergence_metrics_[i]) sum.metrics[name] += value;
  }
  return {.loss = sum.loss, .norm = gradient_norm(), .metrics = std::move(sum.metrics)};
}

void Trainer::move(double learning_rate, double scale) {
  OptimizerStep step{.adamw = options_.kind == "adamw",
                     .rate = learning_rate,
                     .decay = options_.weight_decay,
                     .beta1 = options_.beta1,
                     .beta2 = options_.beta2,
                     .epsilon = options_.epsilon,
                     .scale = scale,
                     .step = 1};
  Moments& moments = state_.moments;
  if (step.adamw) step.step = ++moments.steps;
  pool_.for_each(pieces(gradient_.size()), [&](int64_t p) {
    const int64_t first = p * kPiece;
    model_.kernels().optimize(step, gradient_.data() + first, std::min(kPiece, gradient_.size() - first),
                              state_.weights.data() + first, step.adamw ? moments.first.data() + first : nullptr,
                              step.adamw ? moments.second.data() + first : nullptr);
  });
  if (model_.lora() != nullptr) model_.lora()->merge(*base_, state_.weights, state_.merged, &pool_);
}

void Trainer::check_weights(int64_t step) const {
  const float* const first = state_.weights.data();
  const float* const last = first + state_.weights.size();
  const float* const bad = std::find_if(first, last, [](float value) { return !std::isfinite(value); });
  if (bad == last) return;
  throw Error(Exit::diverged, "optimizer step " + std::to_string(step) + ": a weight is " + std::to_string(*bad),
              "lower learning_rate");
}

void Trainer::checkpoint(int64_t step, ByteSink& out) const {
  model_.write_checkpoint(state_, step, out);
}

}  // namespace sil::nn
