// The writers of record lines. Text is made by hand: these run once a rollout, at the speed of the fastest engine.
#include "record/lines.h"

#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <type_traits>

namespace sil {
namespace {

constexpr size_t kNumberChars = 32;  // more than any number takes

// Writes to `at`; returns the end.
template <class T>
char* put_number(char* at, T value) {
  if constexpr (std::is_floating_point_v<T>) SIL_CHECK(std::isfinite(value));
  return std::to_chars(at, at + kNumberChars, value).ptr;
}

template <class T>
void append_number(std::string& out, T value) {
  char digits[kNumberChars];
  out.append(digits, put_number(digits, value));
}

// `key` with its punctuation: `,"text":`.
void append_field(std::string& out, std::string_view key, std::string_view text) {
  out += key;
  append_json_string(out, text);
}

template <class T>
requires std::is_arithmetic_v<T>
void append_field(std::string& out, std::string_view key, T value) {
  out += key;
  append_number(out, value);
}

// Names and digests of our own: plain ASCII that needs no escapes.
void append_word(std::string& out, std::string_view key, std::string_view word) {
  ((out += key) += '"') += word;
  out += '"';
}

template <class Items, class Append>
void append_list(std::string& out, std::string_view key, const Items& items, Append append) {
  (out += key) += '[';
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ',';
    first = false;
    append(item);
  }
  out += ']';
}

template <class T>
void append_numbers(std::string& out, std::string_view key, const std::vector<T>& values) {
  // A piece at a time: an append a number costs more than the digits.
  std::array<char, 1024> piece;
  char* at = piece.data();
  (out += key) += '[';
  for (size_t i = 0; i < values.size(); ++i) {
    if (piece.data() + piece.size() - at <= static_cast<std::ptrdiff_t>(kNumberChars)) {
      out.append(piece.data(), at);
      at = piece.data();
    }
    if (i > 0) *at++ = ',';
    at = put_number(at, values[i]);
  }
  out.append(piece.data(), at) += ']';
}

// True where a default may be left out and still read back to the same bits.
bool is_positive_zero(double value) {
  return value == 0 && !std::signbit(value);
}

void append_problem(std::string& out, const Problem& problem) {
  append_word(out, ",\"problem\":{\"uid\":", hex64(problem.uid));
  append_field(out, ",\"prompt\":", problem.prompt);
  if (!problem.messages.empty()) {
    append_list(out, ",\"messages\":", problem.messages, [&](const Message& message) {
      append_field(out, "{\"role\":", message.role);
      append_field(out, ",\"content\":", message.content);
      out += '}';
    });
  }
  if (problem.answer) append_field(out, ",\"answer\":", *problem.answer);
  if (!problem.meta.is_object() || !problem.meta.as_object().empty()) (out += ",\"meta\":") += dump(problem.meta);
  append_word(out, ",\"split\":", name(problem.split));
  if (!is_positive_zero(problem.difficulty)) append_field(out, ",\"difficulty\":", problem.difficulty);
  append_field(out, ",\"task\":", problem.task);
  append_field(out, ",\"index\":", problem.index);
  if (!problem.given.empty()) {
    append_list(out, ",\"given\":", problem.given, [&](const GivenAnswer& given) {
      append_field(out, "{\"text\":", given.text);
      out += given.passes ? ",\"passes\":true" : ",\"passes\":false";
      append_field(out, ",\"origin\":", given.origin);
      out += '}';
    });
  }
  out += '}';
}

bool same_maker(const Rollout& a, const Rollout& b) {
  return a.member == b.member && a.temperature == b.temperature && a.version == b.version && a.role == b.role &&
         a.step == b.step;
}

// A rollout for each different maker, in order of first use; few, so a search down the list is quick.
std::vector<const Rollout*> makers_of(const Group& group, size_t first_rollout) {
  std::vector<const Rollout*> makers;
  for (size_t i = first_rollout; i < group.rollouts.size(); ++i) {
    const Rollout& rollout = group.rollouts[i];
    bool known = false;
    for (const Rollout* maker : makers) known = known || same_maker(*maker, rollout);
    if (!known) makers.push_back(&rollout);
  }
  return makers;
}

void append_group_line(std::string& out, const Group& group, bool whole, size_t first_prompt,
                       const std::vector<const Rollout*>& makers) {
  append_field(out, "{\"group\":", group.position);
  if (whole) {
    SIL_CHECK(group.problem != nullptr);
    append_problem(out, *group.problem);
    if (group.occurrence != 0) append_field(out, ",\"occurrence\":", group.occurrence);
    if (group.parent != 0) append_word(out, ",\"parent\":", hex64(group.parent));
  }
  const auto first = group.prompts.begin() + static_cast<std::ptrdiff_t>(first_prompt);
  append_list(out, ",\"prompts\":", std::span(first, group.prompts.end()), [&](const Prompt& prompt) {
    append_numbers(out, "{\"ids\":", prompt.ids);
    append_field(out, ",\"text\":", prompt.text);
    if (!prompt.learned.empty()) {
      append_list(out, ",\"learned\":", prompt.learned, [&](const IdRange& range) {
        append_field(out, "[", range.begin);
        append_field(out, ",", range.end);
        out += ']';
      });
    }
    out += '}';
  });
  append_list(out, ",\"makers\":", makers, [&](const Rollout* maker) {
    append_field(out, "{\"step\":", maker->step);
    append_field(out, ",\"role\":", maker->role);
    append_word(out, ",\"version\":", maker->version.hex());
    append_field(out, ",\"temperature\":", maker->temperature);
    append_field(out, ",\"member\":", maker->member);
    out += '}';
  });
  out += "}\n";
}

void append_rollout_line(std::string& out, const Rollout& rollout, size_t maker) {
  SIL_CHECK(rollout.logprobs.empty() || rollout.logprobs.size() == rollout.ids.size());
  SIL_CHECK(rollout.kept_mass.empty() || rollout.kept_mass.size() == rollout.ids.size());
  append_field(out, "{\"sample\":", rollout.sample);
  if (maker != 0) append_field(out, ",\"maker\":", maker);
  if (rollout.prompt != 0) append_field(out, ",\"prompt\":", rollout.prompt);
  append_numbers(out, ",\"ids\":", rollout.ids);
  if (!rollout.logprobs.empty()) append_numbers(out, ",\"logprobs\":", rollout.logprobs);
  if (!rollout.kept_mass.empty()) append_numbers(out, ",\"kept_mass\":", rollout.kept_mass);
  append_word(out, ",\"finish\":", name(rollout.finish));
  append_field(out, ",\"text\":", rollout.text);
  if (!rollout.parent.empty()) append_field(out, ",\"parent\":", rollout.parent);
  if (!rollout.used.empty()) {
    append_list(out, ",\"used\":", rollout.used, [&](const std::string& id) { append_json_string(out, id); });
  }
  out += "}\n";
}

// Writes one verdict; what its digest covers ends before cost_us.
void append_verdict_line(FrameText& out, const Verdict& verdict, std::string_view about, std::string_view default_unit,
                         Sha256& hash) {
  std::string& text = out.text;
  const size_t begin = text.size();
  text += about;
  if (verdict.unit != default_unit) append_field(text, ",\"unit\":", verdict.unit);
  append_field(text, ",\"verifier\":", verdict.verifier);
  append_word(text, ",\"label\":", name(verdict.label));
  append_field(text, ",\"score\":", verdict.score);
  append_word(text, ",\"class\":", name(verdict.outcome));
  if (!verdict.parts.empty()) {
    text += ",\"parts\":{";
    for (const auto& [part, score] : verdict.parts) {
      append_json_string(text, part);
      append_field(text, ":", score);
      text += ',';
    }
    text.back() = '}';
  }
  if (!verdict.reason.empty()) append_field(text, ",\"reason\":", verdict.reason);
  hash.bytes(std::string_view(text).substr(begin)).bytes("\n");
  append_field(text, ",\"cost_us\":", verdict.cost_us);
  text += "}\n";
  ++out.lines;
}

std::string about_rollout(int64_t position, size_t rollout) {
  std::string about = "{\"group\":";
  append_number(about, position);
  append_field(about, ",\"rollout\":", rollout);
  return about;
}

void append_sequence(std::string& out, const ExampleSequence& sequence) {
  SIL_CHECK(sequence.logprobs.empty() || sequence.logprobs.size() == sequence.ids.size());
  append_numbers(out, "{\"ids\":", sequence.ids);
  append_list(out, ",\"segments\":", sequence.segments, [&](const Segment& segment) {
    SIL_CHECK(0 <= segment.begin && segment.begin <= segment.end);
    SIL_CHECK(static_cast<size_t>(segment.end) <= sequence.ids.size());
    append_field(out, "[", segment.begin);
    append_field(out, ",", segment.end);
    append_field(out, ",", segment.weight);
    append_field(out, ",", segment.rollout);
    out += ']';
  });
  if (!sequence.logprobs.empty()) append_numbers(out, ",\"logprobs\":", sequence.logprobs);
  if (sequence.temperature != 1) append_field(out, ",\"temperature\":", sequence.temperature);
  out += '}';
}

}  // namespace

void append_rollouts(FrameText& out, const Group& group, bool whole, size_t first_rollout, size_t first_prompt) {
  SIL_CHECK(first_rollout <= group.rollouts.size() && first_prompt <= group.prompts.size());
  SIL_CHECK(!whole || first_prompt == 0);  // rollouts name prompts by their place in the group
  const size_t begin = out.text.size();
  const std::vector<const Rollout*> makers = makers_of(group, first_rollout);
  append_group_line(out.text, group, whole, first_prompt, makers);
  for (size_t i = first_rollout; i < group.rollouts.size(); ++i) {
    const Rollout& rollout = group.rollouts[i];
    SIL_CHECK(rollout.prompt < group.prompts.size() || (rollout.prompt == 0 && group.prompts.empty()));
    size_t maker = 0;
    while (!same_maker(*makers[maker], rollout)) ++maker;
    append_rollout_line(out.text, rollout, maker);
  }
  out.lines += 1 + group.rollouts.size() - first_rollout;
  out.items.push_back(sha256(std::string_view(out.text).substr(begin)));
}

void append_verdicts(FrameText& out, const Group& group, std::string_view step) {
  Sha256 hash;
  const uint64_t lines_before = out.lines;
  std::string about = "{\"group\":";
  append_number(about, group.position);
  for (const Verdict& verdict : group.verdicts) {
    if (verdict.step == step) append_verdict_line(out, verdict, about, "group", hash);
  }
  for (size_t i = 0; i < group.rollouts.size(); ++i) {
    for (const Verdict& verdict : group.rollouts[i].verdicts) {
      if (verdict.step == step) append_verdict_line(out, verdict, about_rollout(group.position, i), "rollout", hash);
    }
  }
  if (out.lines != lines_before) out.items.push_back(hash.finish());
}

void append_fates(FrameText& out, const Group& group, const std::vector<Fate>& fates) {
  SIL_CHECK(fates.size() == group.rollouts.size());
  const size_t begin = out.text.size();
  for (size_t i = 0; i < fates.size(); ++i) {
    const Fate& fate = fates[i];
    if (fate.fate.empty()) continue;
    out.text += about_rollout(group.position, i);
    append_field(out.text, ",\"fate\":", fate.fate);
    if (fate.fate == "kept") {
      append_field(out.text, ",\"weight\":", fate.weight);
      if (!fate.reason.empty()) append_field(out.text, ",\"reason\":", fate.reason);
    } else {
      append_field(out.text, ",\"reason\":", fate.reason);
    }
    out.text += "}\n";
    ++out.lines;
  }
  if (out.text.size() != begin) out.items.push_back(sha256(std::string_view(out.text).substr(begin)));
}

void append_example(FrameText& out, const Example& example) {
  const size_t begin = out.text.size();
  append_field(out.text, "{\"id\":", example.id);
  append_word(out.text, ",\"group\":", hex64(example.group));
  append_list(out.text, ",\"sequences\":", example.sequences,
              [&](const ExampleSequence& sequence) { append_sequence(out.text, sequence); });
  out.text += "}\n";
  ++out.lines;
  out.items.push_back(sha256(std::string_view(out.text).substr(begin)));
}

Digest chain(const Digest& running, const Digest& item) {
  return Sha256().digest(running).digest(item).finish();
}

}  // namespace sil
