#include "steps/pool.h"

#include <algorithm>

namespace sil {
namespace {

int64_t chosen_in(const std::vector<bool>& chosen, Span span) {
  int64_t n = 0;
  for (int64_t i = span.begin; i < span.end; ++i) n += chosen[static_cast<size_t>(i)];
  return n;
}

void read_layer(Env& env, const std::string& run_dir, const Layer& layer, size_t frame, std::vector<Group>& groups) {
  const FrameRef& ref = layer.frame(frame);
  if (ref.length == 0) return;
  std::string text = read_frame(env, run_dir, ref);
  if (layer.kind == "verdicts") return read_verdicts(text, layer.step, groups);
  if (layer.kind == "fates") return read_fates(text, groups);
  read_rollouts(text, groups, groups.empty());
}

}  // namespace

int64_t ExamplePart::examples() const {
  int64_t n = 0;
  for (const Span& span : spans) n += chosen ? chosen_in(*chosen, span) : span.end - span.begin;
  return n;
}

int64_t Pool::groups() const {
  int64_t n = 0;
  for (const PoolPart& part : parts)
    for (const Span& span : part.spans) n += part.chosen ? chosen_in(*part.chosen, span) : span.end - span.begin;
  return n;
}

int64_t Pool::frames() const {
  int64_t n = 0;
  for (const PoolPart& part : parts) n += static_cast<int64_t>(part.spans.size());
  return n;
}

std::vector<Group> read_groups(Env& env, const std::string& run_dir, const PoolPart& part, size_t frame) {
  std::vector<Group> groups;
  for (const Layer& layer : part.layers) read_layer(env, run_dir, layer, frame, groups);
  if (part.chosen)
    std::erase_if(groups, [&](const Group& group) { return !(*part.chosen)[static_cast<size_t>(group.position)]; });
  return groups;
}

std::vector<std::vector<Fate>> read_layer_fates(Env& env, const std::string& run_dir, const PoolPart& part,
                                                const std::string& step, size_t frame) {
  std::vector<Group> groups;
  std::vector<std::vector<Fate>> fates;
  for (const Layer& layer : part.layers) {
    bool wanted = layer.kind == "fates" && layer.step == step;
    if (wanted && layer.frame(frame).length != 0)
      read_fates(read_frame(env, run_dir, layer.frame(frame)), groups, &fates);
    else
      read_layer(env, run_dir, layer, frame, groups);
  }
  return fates;
}

}  // namespace sil
