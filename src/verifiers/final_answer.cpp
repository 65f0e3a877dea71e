#include "verifiers/final_answer.h"

#include <re2/re2.h>

#include <algorithm>

#include "mathematics/equality.h"
#include "text/extract.h"
#include "verifiers/answers.h"

namespace sil {
namespace {

using mathematics::Answer;

std::vector<std::string> boxes(std::string_view completion, std::string& why) {
  bool open = false;
  std::vector<std::string> out;
  for (std::string_view content : boxed_contents(completion, &open)) out.emplace_back(content);
  if (out.empty() && open) why = "\\boxed{ is not closed";
  return out;
}

std::vector<std::string> after_hashes(std::string_view completion) {
  constexpr std::string_view kMark = "####";
  std::vector<std::string> out;
  for (size_t at; (at = completion.find(kMark)) != std::string_view::npos;) {
    completion.remove_prefix(at + kMark.size());
    out.emplace_back(strip(completion.substr(0, completion.find('\n'))));
  }
  return out;
}

// Without Markdown's marks of bold and code around it, and without the full stop.
std::string_view plain(std::string_view text) {
  const size_t first = text.find_first_not_of("*` \t\r");
  const size_t last = text.find_last_not_of("*`. \t\r");
  if (first == std::string_view::npos || last == std::string_view::npos || last < first) return {};
  text = text.substr(first, last - first + 1);
  return text.substr(0, text.find("** "));
}

// The first of the formulas in `text`, or the last, between dollar signs or \( and \); empty: there is none.
std::string formula_in(std::string_view text, bool last) {
  static const RE2 pattern(R"((?s)\$\$?([^$]+)\$\$?|\\\((.*?)\\\)|\\\[(.*?)\\\])");
  re2::StringPiece rest(text.data(), text.size()), groups[3];
  std::string out;
  while (RE2::FindAndConsume(&rest, pattern, &groups[0], &groups[1], &groups[2])) {
    for (const re2::StringPiece& group : groups)
      if (!group.empty()) out = std::string(group);
    if (!last) break;
  }
  return out;
}

// Up to where a sentence goes on in words: "5, because ..." and "5. It follows ...".
std::string_view first_clause(std::string_view text) {
  static const RE2 pattern(R"((\. |, [a-zA-Z]{2}|; | \())");
  re2::StringPiece found;
  if (!RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), pattern, &found)) return text;
  return text.substr(0, static_cast<size_t>(found.data() - text.data()));
}

std::string after_phrase(std::string_view completion) {
  static const RE2 pattern(R"((?i)\banswer\**\s*(?:is\b\**\s*:?|[:=])[*\s]*)");
  re2::StringPiece rest(completion.data(), completion.size()), found;
  const RE2& phrase = pattern;
  bool any = false;
  for (re2::StringPiece match; phrase.Match(rest, 0, rest.size(), RE2::UNANCHORED, &match, 1);) {
    rest.remove_prefix(static_cast<size_t>(match.data() - rest.data()) + match.size());
    any = true;
  }
  if (!any) return {};
  const std::string_view tail = std::string_view(rest.data(), rest.size());
  const std::string_view line = plain(tail.substr(0, tail.find('\n')));
  if (Answer(line).readable()) return std::string(line);
  if (std::string formula = formula_in(line, false); !formula.empty()) return formula;
  return std::string(first_clause(line));
}

// The last number of prose. Of broken LaTeX, whose numbers are parts of something else, there is none.
std::string last_number(std::string_view text) {
  if (text.find_first_of("\\{}") != std::string_view::npos) return {};
  TaskOptions options;
  options.answer = "last_number";
  static const std::unique_ptr<AnswerExtractor> extractor = make_extractor(options);
  return extractor->extract(text).value_or("");
}

std::string unmarked(std::string_view completion) {
  const std::string_view text = plain(strip(completion));
  const bool one_line = text.find('\n') == std::string_view::npos || text.starts_with("\\begin");
  if (one_line && Answer(text).readable()) return std::string(text);
  const std::string formula = formula_in(text, true);
  return formula.empty() ? last_number(text) : formula;
}

}  // namespace

std::vector<std::string> final_answers(std::string_view completion, std::string& why) {
  std::vector<std::string> out = boxes(completion, why);
  if (!out.empty() || !why.empty()) return out;
  out = after_hashes(completion);
  if (!out.empty()) return out;
  std::string text = after_phrase(completion);
  if (text.empty()) text = unmarked(completion);
  if (text.empty())
    why = "there is no final answer in the completion";
  else
    out.push_back(std::move(text));
  return out;
}

}  // namespace sil
