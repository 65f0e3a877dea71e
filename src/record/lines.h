// How rollouts, verdicts, fates and examples are written as JSON lines, one kind a segment. Lines name no step (the
// segment does) and hold nothing volatile before `cost_us`, so that a line's digestible part is the line up to there.
//
//   rollouts  {"group":0,"problem":{"uid":"…16
//   hex","prompt":"…","messages":[…]?,"answer":"…"?,"meta":{…}?,"split":"train",
//              "difficulty":2?,"task":"train","index":7,"given":[{"text","passes","origin"}]?},"occurrence":1?,"parent":"…16
//              hex"?, "prompts":[{"ids":[…],"text":"…"}],"makers":[{"step":"generate","role":"lm","version":"…64
//              hex","temperature":1,"member":0}]}
//             followed by that group's rollouts:
//             {"sample":0,"maker":1?,"prompt":1?,"ids":[…],"logprobs":[…]?,"kept_mass":[…]?,"finish":"stop","text":"…","parent":"…"?,"used":[…]?}
//             A step that adds to an existing pool writes {"group":0,"prompts":…,"makers":…} without a problem; its
//             prompts and rollouts are appended to that group's.
//   verdicts
//   {"group":0,"rollout":2,"verifier":"exact@1","label":"pass","score":1,"class":"pass","parts":{…}?,"reason":"…"?,"cost_us":3}
//             ("rollout" left out: about the group; then "unit":"turn"? where the unit is neither the rollout nor the
//             group)
//   fates     {"group":0,"rollout":2,"fate":"kept","weight":1,"reason":"…"?} (a reason: kept, but in no example of the
//             filter's shape) or {…,"fate":"dropped","reason":"…"}
//   examples  {"id":"…","group":"…16 hex","sequences":[{"ids":[…],"segments":[[begin,end,weight,"rollout id"],…],
//              "logprobs":[…]?,"temperature":1?}]}
//
// "?" marks a key left out when it has its default (0, 1 for temperature, empty, absent). Keys stand in this order and
// lines have no spaces. Numbers read back to the same bits; bytes of a text that are no UTF-8 become U+FFFD when
// written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sil/digest.h"
#include "sil/records.h"

namespace sil {

// A frame's text while it is built, and one digest an item: a group's lines (rollouts, verdicts, fates), or one
// example. The digest covers each line up to `,"cost_us"`, or all of it, and a newline.
struct FrameText {
  std::string text;
  std::vector<Digest> items;
  uint64_t lines = 0;
};

// What happened to one rollout in a filter.
struct Fate {
  std::string fate = "kept";  // kept | dropped | surplus | canary
  std::string reason;
  double weight = 1;
};

// The group with its rollouts from `first_rollout` and prompts from `first_prompt` on; `whole`: with its problem.
void append_rollouts(FrameText& out, const Group& group, bool whole, size_t first_rollout = 0, size_t first_prompt = 0);
// The verdicts that `step` gave to the group and to its rollouts (nothing when it gave none).
void append_verdicts(FrameText& out, const Group& group, std::string_view step);
// One fate a rollout of the group, in order; entries with an empty `fate` are left out.
void append_fates(FrameText& out, const Group& group, const std::vector<Fate>& fates);
void append_example(FrameText& out, const Example& example);

// Readers throw Error(Exit::corrupt) that says what is wrong with which line.
// Groups in the order of the text (`whole`), or additions to `groups`, matched by Group::position.
void read_rollouts(std::string_view text, std::vector<Group>& groups, bool whole);
// Adds verdicts of `step` to the groups at hand (positions not in `groups` are an error).
void read_verdicts(std::string_view text, std::string_view step, std::vector<Group>& groups);
// Applies fates to the groups that `text` names: kept rollouts get their weight, all others `kept = false`. `fates`,
// when given, gets [group][rollout], with an empty `fate` where no line speaks of a rollout; earlier entries stay.
void read_fates(std::string_view text, std::vector<Group>& groups, std::vector<std::vector<Fate>>* fates = nullptr);
void read_examples(std::string_view text, std::vector<Example>& examples);

// next = SHA-256(running || item): how item digests become a step's digest, whatever the frames were.
Digest chain(const Digest& running, const Digest& item);

}  // namespace sil
