// An engine whose model is a table: one row of logits for every context of at most n ids. It is exact, trains in
// microseconds and obeys every contract that a transformer obeys, so recipes can be developed and tested on it.
//
//   models: {lm: {table: {context: 3}, tokenizer: chars}}
#include <algorithm>
#include <array>
#include <mutex>
#include <string>

#include "base/threads.h"
#include "engines/engines.h"
#include "engines/generation.h"
#include "engines/pieces.h"
#include "engines/sampling.h"
#include "engines/stop_text.h"
#include "engines/table_format.h"
#include "engines/table_update.h"
#include "engines/train_batch.h"
#include "engines/versions.h"
#include "sil/error.h"

namespace sil {
namespace {

struct TableOptions {
  int64_t context = 3;
  void visit(OptionVisitor& v) {
    v.option("context", context,
             {.help = "ids before a token that it depends on", .low = 0, .high = kMostContext, .unit = "tokens"});
  }
};

// Samples requests of one batch on one thread.
class TableGeneration {
 public:
  TableGeneration(const ContextTable& table, const Codec& codec, const GenerateBatch& batch)
      : table_(table), codec_(codec), batch_(batch), sampler_(batch.sampling, table.vocabulary()) {}

  void run(size_t request, FinishedRollouts& out) {
    ContextWindow window(table_.context());
    window.push_all(prompt_ids(batch_, request));
    StopText text(batch_.sampling, codec_.stop_ids(), codec_.stream());
    DrawAddress address{batch_.key[request], batch_.uid[request], batch_.sample[request], 0};
    const auto most = static_cast<uint32_t>(batch_.sampling.max_new_tokens);
    Finish finish = Finish::length;
    out.begin(request);
    for (; address.position < most && finish == Finish::length; ++address.position) {
      const int32_t row = table_.find(window.ids());
      const Sampled token = sampler_.draw(table_.logits(row), total(row), address);
      out.add(token.id);
      out.add_logprob(token.logprob);
      if (sampler_.filtered()) out.add_kept_mass(token.kept_mass);
      if (sampler_.ranked()) out.add_top(sampler_);
      window.push(token.id);
      if (text.push(token.id)) finish = Finish::stop;
    }
    out.end(finish, text.finish());
  }

 private:
  struct KnownTotal {
    int32_t row = ContextTable::kUnseen - 1;  // none
    LogSum total;
  };

  const LogSum& total(int32_t row) {
    KnownTotal& known = known_[static_cast<uint32_t>(row) % known_.size()];
    if (known.row != row) known = {row, sampler_.total(table_.logits(row))};
    return known.total;
  }

  const ContextTable& table_;
  const Codec& codec_;
  const GenerateBatch& batch_;
  TokenSampler sampler_;
  std::array<KnownTotal, 256> known_;  // the rows of frequent contexts come again and again
};

class TableEngine final : public Engine {
 public:
  TableEngine(const TableOptions& options, const EngineSetup& setup)
      : shape_{.context = static_cast<size_t>(options.context),
               .vocabulary = static_cast<size_t>(setup.codec->vocabulary_size()),
               .codec = setup.codec->digest()},
        codec_(setup.codec),
        pool_(setup.threads) {}

  Caps caps() const override {
    return {.ids = true, .logprobs = true, .score = true, .update = true, .concurrent = true};
  }
  const Codec& codec() const override { return *codec_; }

  Version initial() override { return hold({ContextTable(shape_.context, shape_.vocabulary), {}}); }
  Version load(std::string_view weights, std::string_view optimizer) override {
    return hold(read_table(weights, optimizer, shape_));
  }
  void save(Version version, Part part, ByteSink& out) const override {
    const auto state = versions_.get(version);
    if (part == Part::weights)
      write_weights(*state, shape_.codec, out);
    else
      write_moments(*state, out);
  }
  Version ema(Version average, Version version, double decay) override {
    SIL_CHECK(decay >= 0 && decay <= 1);
    return hold(average_of(*versions_.get(average), *versions_.get(version), decay));
  }
  void pin(Version version) override { versions_.pin(version); }
  void drop(Version version) override { versions_.drop(version); }
  bool has_optimizer(Version version) const override { return !versions_.get(version)->moments.first.empty(); }
  void forget_optimizer(Version version) override {
    versions_.free(version, [](TableState& state) { state.moments = {}; });
  }
  Digest digest(Version version) const override { return table_digest(*versions_.get(version)); }

  void generate(Version version, const GenerateBatch& batch, const CompletionSink& sink, std::stop_token stop) override;
  std::vector<float> score(Version version, const ScoreBatch& batch, double temperature) override;
  UpdateResult update(Version from, TrainBatches& batches, const LossSpec& loss, const OptimizerOptions& optimizer,
                      Version reference, std::optional<UpdateCheckpoint> resume, UpdateSink& sink,
                      std::stop_token stop) override;

 private:
  static constexpr size_t kSequencesAPiece = 64;

  Version hold(TableState state) { return versions_.add(std::make_shared<TableState>(std::move(state))); }

  // Work over [0, n) in pieces, on the pool unless another call has it: then the caller's thread does all of it.
  template <class Work>
  void share_out(size_t n, const Work& work) {
    std::unique_lock lock(pool_mutex_, std::defer_lock);
    if (pool_.threads() > 1 && lock.try_lock()) return for_pieces(pool_, n, kSequencesAPiece, work);
    for (size_t first = 0; first < n; first += kSequencesAPiece) work(first, std::min(n, first + kSequencesAPiece));
  }

  TableShape shape_;
  std::shared_ptr<const Codec> codec_;
  ThreadPool pool_;
  std::mutex pool_mutex_;
  Versions<TableState> versions_;
};

void TableEngine::generate(Version version, const GenerateBatch& batch, const CompletionSink& sink,
                           std::stop_token stop) {
  check_generate(batch, static_cast<TokenId>(shape_.vocabulary));
  const auto state = versions_.get(version);
  std::mutex sink_mutex;
  share_out(batch.prompt.size(), [&](size_t first, size_t last) {
    TableGeneration generation(state->table, *codec_, batch);
    FinishedRollouts finished;
    for (size_t request = first; request < last && !stop.stop_requested(); ++request) generation.run(request, finished);
    finished.deliver(sink, sink_mutex);
  });
}

std::vector<float> TableEngine::score(Version version, const ScoreBatch& batch, double temperature) {
  check_score(batch, static_cast<TokenId>(shape_.vocabulary));
  check_sampling({.temperature = temperature, .stop = {}});
  const auto state = versions_.get(version);
  const ContextTable& table = state->table;
  std::vector<size_t> place(batch.start.size() + 1);
  for (size_t s = 0; s < batch.start.size(); ++s)
    place[s + 1] = place[s] + (batch.begin[s + 1] - batch.begin[s] - batch.start[s]);
  std::vector<float> out(place.back());
  share_out(batch.start.size(), [&](size_t first, size_t last) {
    LogSoftmax softmax(table.vocabulary());
    for (size_t s = first; s < last; ++s) {
      ContextWindow window(table.context());
      const uint64_t begin = batch.begin[s] + batch.start[s];
      window.push_all(std::span(batch.ids).subspan(batch.begin[s], batch.start[s]));
      for (uint64_t n = begin; n < batch.begin[s + 1]; ++n) {
        const LogSum sum = softmax.scaled_sum(table.logits(table.find(window.ids())), stored_temperature(temperature));
        out[place[s] + (n - begin)] = sum.log_prob(softmax.row()[static_cast<size_t>(batch.ids[n])]);
        window.push(batch.ids[n]);
      }
    }
  });
  return out;
}

UpdateResult TableEngine::update(Version from, TrainBatches& batches, const LossSpec& loss,
                                 const OptimizerOptions& optimizer, Version reference,
                                 std::optional<UpdateCheckpoint> resume, UpdateSink& sink, std::stop_token stop) {
  const bool needs_reference = std::any_of(loss.terms.begin(), loss.terms.end(), [](const auto& t) { return !t.atom; });
  const std::shared_ptr<const TableState> held = needs_reference ? versions_.get(reference) : nullptr;
  TableState state = *versions_.get(from);
  const std::lock_guard lock(pool_mutex_);
  const TableUpdate work{.batches = batches,
                         .loss = loss,
                         .optimizer = optimizer,
                         .reference = held ? &held->table : nullptr,
                         .resume = std::move(resume),
                         .sink = sink,
                         .pool = pool_};
  const int64_t steps = run_table_update(state, shape_, work, std::move(stop));
  return {.version = hold(std::move(state)), .steps = steps};
}

class TableFactory final : public EngineFactory {
 public:
  explicit TableFactory(TableOptions options) : options_(options) {}

  std::unique_ptr<Engine> make(const EngineSetup& setup) const override {
    refuse_adapter(setup, "table");
    if (!setup.codec) throw Error(Exit::usage, "table: the model has no tokenizer", "add one, e.g. tokenizer: chars");
    const TokenId vocabulary = setup.codec->vocabulary_size();
    constexpr TokenId kMost = kChunk * kChunk;
    if (vocabulary < 1 || vocabulary > kMost)
      throw Error(Exit::usage,
                  "table: the tokenizer has " + std::to_string(vocabulary) + " ids; 1 to " + std::to_string(kMost) +
                      " are allowed",
                  "use another tokenizer");
    return std::make_unique<TableEngine>(options_, setup);
  }

 private:
  TableOptions options_;
};

}  // namespace

void register_table(Registry<EngineFactory>& registry) {
  registry.add<TableFactory, TableOptions>("table", "a table of logits by context: tiny, exact, quick", "context");
}

}  // namespace sil
