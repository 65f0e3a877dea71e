// A pool on disk. Its groups lie in frames of segments, one layer a step and kind: who made the rollouts, who judged
// them, who filtered them. Reading a frame reads that frame of every layer. Nothing of a pool is kept in memory but
// references, so a round of any size needs the memory of a few frames.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "record/lines.h"
#include "record/segment.h"
#include "sil/env.h"
#include "sil/records.h"

namespace sil {

// One step's additions to every frame of a part. A frame without lines of the kind has length 0. Parts and pools share
// the list of a step's frames.
struct Layer {
  std::string kind;  // rollouts | verdicts | fates
  std::string step;
  std::shared_ptr<const std::vector<FrameRef>> frames;
  size_t first = 0;  // of this part, in `frames`

  const FrameRef& frame(size_t number) const { return (*frames)[first + number]; }
};

// Groups at positions [begin, end) of a part.
struct Span {
  int64_t begin = 0;
  int64_t end = 0;
};

// Groups of one origin, in canonical order. Frame i of every layer holds the groups of spans[i].
struct PoolPart {
  std::string round;  // whose rollouts these are, for ids
  std::string step;   // that made the groups
  std::vector<Span> spans;
  std::vector<Layer> layers;                        // the first one holds whole groups
  std::shared_ptr<const std::vector<bool>> chosen;  // by position, when a store's law drew only some; null = all

  int64_t end() const { return spans.empty() ? 0 : spans.back().end; }  // groups, chosen or not
};

// Examples of one origin: after `shape`, or made by finetune from kept rollouts.
struct ExamplePart {
  std::vector<FrameRef> frames;
  std::vector<Span> spans;  // of example numbers, one a frame
  std::shared_ptr<const std::vector<bool>> chosen;

  int64_t end() const { return spans.empty() ? 0 : spans.back().end; }  // examples, chosen or not
  int64_t examples() const;                                             // chosen ones
};

struct Pool {
  std::vector<PoolPart> parts;
  bool shaped = false;                // holds examples instead of groups
  std::vector<ExamplePart> examples;  // when shaped

  int64_t groups() const;  // chosen ones
  int64_t frames() const;
};

std::vector<Group> read_groups(Env& env, const std::string& run_dir, const PoolPart& part, size_t frame);
// Fates of one layer, [group][rollout] of the groups that `read_groups` gives for the frame.
std::vector<std::vector<Fate>> read_layer_fates(Env& env, const std::string& run_dir, const PoolPart& part,
                                                const std::string& step, size_t frame);

}  // namespace sil
