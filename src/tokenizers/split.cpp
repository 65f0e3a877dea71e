#include "tokenizers/split.h"

#include <algorithm>
#include <iterator>

namespace sil::tokenizers {
namespace {

struct Named {
  std::string_view name;
  SplitBehavior behavior;
};
constexpr Named kBehaviors[] = {{"Removed", SplitBehavior::removed},
                                {"Isolated", SplitBehavior::isolated},
                                {"MergedWithPrevious", SplitBehavior::merged_with_previous},
                                {"MergedWithNext", SplitBehavior::merged_with_next},
                                {"Contiguous", SplitBehavior::contiguous}};

// Whether a part goes into the one that was visited before it.
bool merges(SplitBehavior behavior, bool matches, bool matched_before) {
  if (behavior == SplitBehavior::contiguous) return matches == matched_before;
  return matches && !matched_before;
}

template <class Iterator>
std::vector<Span> merge(Iterator begin, Iterator end, SplitBehavior behavior) {
  std::vector<Span> out;
  bool matched_before = false;
  for (Iterator match = begin; match != end; ++match) {
    if (!out.empty() && merges(behavior, match->matches, matched_before)) {
      out.back() = {std::min(out.back().begin, match->span.begin), std::max(out.back().end, match->span.end)};
    } else {
      out.push_back(match->span);
    }
    matched_before = match->matches;
  }
  return out;
}

}  // namespace

SplitBehavior read_behavior(const Component& component) {
  const std::string& name = component.text("behavior");
  std::string all;
  for (const Named& known : kBehaviors) {
    if (name == known.name) return known.behavior;
    all += (all.empty() ? "" : ", ") + std::string(known.name);
  }
  component.fail("behavior is " + quoted(name) + "; known: " + all);
}

void append_split(std::vector<Span>& out, const std::vector<Match>& matches, size_t offset, SplitBehavior behavior) {
  const auto append = [&](Span span) {
    if (span.begin < span.end) out.push_back({span.begin + offset, span.end + offset});
  };
  if (behavior == SplitBehavior::isolated || behavior == SplitBehavior::removed) {
    for (const Match& match : matches)
      if (behavior == SplitBehavior::isolated || !match.matches) append(match.span);
    return;
  }
  const bool backwards = behavior == SplitBehavior::merged_with_next;
  std::vector<Span> merged =
      backwards ? merge(matches.rbegin(), matches.rend(), behavior) : merge(matches.begin(), matches.end(), behavior);
  if (backwards) std::reverse(merged.begin(), merged.end());
  for (const Span span : merged) append(span);
}

}  // namespace sil::tokenizers
