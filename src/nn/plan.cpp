#include "nn/plan.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include "engines/train_batch.h"
#include "nn/cpu/kernels.h"
#include "nn/sampler.h"
#include "nn/scorer.h"
#include "nn/tape.h"

namespace sil::nn {
namespace {

// Take what they take, compute nothing and touch no memory.
const cpu::Primitives kIdle{
    .name = "idle",
    .product = [](const cpu::Product&) {},
    .pack_left = [](const float*, int64_t, int64_t, int64_t, float*) {},
    .transpose_panel = [](const float*, int64_t, int64_t, int64_t, float*) {},
    .rms_norm = [](const float*, const float*, float, int64_t, float, float*) { return 1.0F; },
    .rms_norm_backward = [](const float*, const float*, float, int64_t, float, const float*, float*, float*) {},
    .layer_norm = [](const float*, const float*, const float*, int64_t, float, float*, float*) { return 1.0F; },
    .layer_norm_backward = [](const float*, const float*, int64_t, float, float, const float*, float*, float*,
                              float*) {},
    .silu_gate = [](const float*, const float*, int64_t, float*) {},
    .silu_gate_backward = [](const float*, const float*, int64_t, const float*, float*, float*) {},
    .gelu_gate = [](const float*, const float*, int64_t, float*) {},
    .gelu_gate_backward = [](const float*, const float*, int64_t, const float*, float*, float*) {},
    .gelu = [](const float*, int64_t, float*) {},
    .gelu_backward = [](const float*, int64_t, const float*, float*) {},
    .rotate = [](float*, int64_t, const float*, const float*) {},
    .rotate_back = [](float*, int64_t, const float*, const float*) {},
    .softmax_row = [](float*, int64_t, int64_t, float, float*) { return 1.0F; },
    .softmax_again = [](float*, int64_t, int64_t, float, float, float) {},
    .softmax_backward = [](const float*, const float*, int64_t, float, float, float*) {},
    .dot = [](const float*, const float*, int64_t) { return 0.0F; },
    .add = [](const float*, const float*, int64_t, float*) {},
    .divide = [](float*, int64_t, float) {},
    .mix = [](const float*, const float*, float, int64_t, float*) {},
    .adamw = [](const cpu::AdamwStep&, const float*, int64_t, float*, float*, float*) {},
    .sgd = [](const cpu::AdamwStep&, const float*, int64_t, float*) {},
};

// A model whose weights are never read.
class Rehearsal {
 public:
  Rehearsal(const DecoderShape& shape, const RotaryTables& rotary, const Lora* lora = nullptr)
      : shape_(shape),
        kernels_(cpu_kernels(kIdle)),
        parameters_(decoder_parameters(shape, *kernels_)),
        rotary_(rotary),
        floats_(static_cast<size_t>(parameters_.floats) * sizeof(float)) {
    if (lora != nullptr) lora_.emplace(lora->options(), parameters_, *kernels_);
  }

  // Bytes that a pass takes at once.
  uint64_t forward(const Layout& layout, int64_t wanted) {
    Tape tape(*kernels_, arena_, false);
    const DecoderWeights weights(shape_, parameters_, floats_.floats(), nullptr);
    run(tape, weights, layout, wanted);
    return static_cast<uint64_t>(arena_.most_bytes());
  }
  uint64_t forward_and_backward(const Layout& layout, bool reference) try {
    Tape tape(*kernels_, arena_, true);
    std::optional<LoraFactors> factors;
    if (lora_) factors.emplace(*lora_, floats_.floats(), floats_.floats());
    const DecoderWeights weights(shape_, parameters_, floats_.floats(), factors ? nullptr : floats_.floats(),
                                 factors ? &*factors : nullptr);
    const Var logits = run(tape, weights, layout, layout.rows());
    tape.gradient(logits);
    Tape other(*kernels_, arena_, false);
    if (reference) run(other, weights, layout, layout.rows());
    tape.backward();
    return static_cast<uint64_t>(arena_.most_bytes());
  } catch (const std::bad_alloc&) {
    return Arena::kMostBytes;  // or more: no machine for this program has it
  }

 private:
  Var run(Tape& tape, const DecoderWeights& weights, const Layout& layout, int64_t wanted) {
    ids_.assign(static_cast<size_t>(layout.rows()), 0);
    rows_.assign(static_cast<size_t>(wanted), 0);
    return decoder(tape, shape_, weights, rotary_, ids_, layout, rows_);
  }

  const DecoderShape& shape_;
  std::unique_ptr<Kernels> kernels_;
  Parameters parameters_;
  std::optional<Lora> lora_;
  const RotaryTables& rotary_;
  AddressRange floats_;  // of the weights, and of their gradients
  Arena arena_;
  std::vector<TokenId> ids_;
  std::vector<int32_t> rows_;
};

// The fullest pass of a sampler: every slot's rollout at its last token and as much of new prompts as one pass takes.
// All share one region a kind, of which only the sizes matter.
Layout fullest_pass(const CacheCapacity& capacity, const SamplingWorkload& work, int64_t context, Cache& cache) {
  const Cache::Region own{0, capacity.own};
  const Cache::Region prefix{capacity.own, capacity.prefix};
  Layout layout;
  layout.cache = &cache;
  for (int64_t slot = 0; slot < capacity.slots; ++slot)
    layout.runs.push_back({.row = slot,
                           .rows = 1,
                           .start = std::min(capacity.own, context - work.prompt_tokens) - 1,
                           .own = own,
                           .prefix = prefix,
                           .prefix_length = work.prompt_tokens});
  const int64_t rows = std::min(SamplerOptions().prefill_rows, capacity.prefixes * work.prompt_tokens);
  for (int64_t done = 0; done < rows;) {
    const int64_t part = std::min(rows - done, work.prompt_tokens);
    layout.runs.push_back({.row = capacity.slots + done,
                           .rows = part,
                           .start = work.prompt_tokens - part,
                           .own = prefix,
                           .prefix = {},
                           .prefix_length = 0});
    done += part;
  }
  return layout;
}

}  // namespace

Plan sampling_plan(const Model& model, const SamplingWorkload& work, int threads) {
  const DecoderShape& shape = model.shape();
  SamplingWorkload fitting = work;
  if (work.requests == 0) fitting.requests = std::numeric_limits<int64_t>::max();
  fitting.prompt_tokens = std::clamp<int64_t>(work.prompt_tokens, 1, shape.context - 1);
  const CacheCapacity capacity(shape, fitting, SamplerOptions().slots);
  Cache cache(shape.heads, 1, capacity.own + capacity.prefix);
  DecoderShape one_region = shape;
  one_region.layers = 1;        // every block of a forward pass uses the same memory
  one_region.windowed.clear();  // and one that sees all the most of it
  const Layout layout = fullest_pass(capacity, fitting, shape.context, cache);
  const int64_t wanted = capacity.slots + capacity.prefixes;
  const auto lanes = static_cast<uint64_t>(std::min<int64_t>(threads, fitting.requests));
  Plan plan;
  plan.cache = lanes * static_cast<uint64_t>(capacity.bytes);
  plan.activations = lanes * Rehearsal(one_region, model.rotary()).forward(layout, wanted);
  return plan;
}

Plan training_plan(const Model& model, const TrainingWorkload& work, int threads) {
  const DecoderShape& shape = model.shape();
  Rehearsal rehearsal(shape, model.rotary(), model.lora());
  const int64_t rows = std::max(kPackTokens, std::min(work.sequence_tokens, 2 * shape.context));
  const int64_t length = std::min({rows, work.sequence_tokens, shape.context});
  std::vector<int64_t> begin{0};
  while (begin.back() < rows) begin.push_back(std::min(rows, begin.back() + std::max<int64_t>(1, length)));
  const uint64_t moments = work.adamw ? 2 * model.trained_bytes() : 0;
  const auto workers = static_cast<uint64_t>(std::min<int64_t>(threads, most_shards(work.step_tokens)));
  Plan plan;
  plan.weights = 2 * model.state_bytes();  // `from` and its copy
  plan.optimizer = moments + (work.keeps_state ? moments : 0);
  plan.gradients = (1 + workers) * model.trained_bytes();
  const Layout layout = packed_layout(begin);
  plan.activations = workers * rehearsal.forward_and_backward(layout, work.full_vocabulary);
  // It is scored while the workers' memory is held.
  if (work.reference && !work.full_vocabulary)
    plan.activations += static_cast<uint64_t>(threads) * Rehearsal(shape, model.rotary()).forward(layout, rows);
  return plan;
}

}  // namespace sil::nn
