#include "tokenizers/json_parts.h"

#include <algorithm>
#include <unordered_map>

#include "tokenizers/code_points.h"

namespace sil::tokenizers {

Json replace_part(std::string_view from, std::string_view to) {
  return Json::Object{{"type", "Replace"}, {"pattern", Json::Object{{"String", from}}}, {"content", to}};
}

Json byte_level_part(bool use_regex) {
  return Json::Object{
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", use_regex}};
}

Json split_part(std::string_view regex) {
  return Json::Object{
      {"type", "Split"}, {"pattern", Json::Object{{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}};
}

Json digits_part(bool individual) {
  return Json::Object{{"type", "Digits"}, {"individual_digits", individual}};
}

Json sequence_part(const char* members, Json::Array parts) {
  return Json::Object{{"type", "Sequence"}, {members, std::move(parts)}};
}

Json added_token_part(int64_t id, std::string_view content, bool special) {
  return Json::Object{{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
                      {"rstrip", false}, {"normalized", false}, {"special", special}};
}

Json template_part(const std::vector<std::pair<std::string, int64_t>>& before,
                   const std::vector<std::pair<std::string, int64_t>>& behind) {
  if (before.empty() && behind.empty()) return {};
  Json single = Json::array(), special = Json::object();
  const auto add = [&](const std::vector<std::pair<std::string, int64_t>>& tokens) {
    for (const auto& [token, id] : tokens) {
      single.push(Json::Object{{"SpecialToken", Json::Object{{"id", token}, {"type_id", 0}}}});
      special.set(token, Json::Object{{"id", token}, {"ids", Json::Array{id}}, {"tokens", Json::Array{token}}});
    }
  };
  const auto text = [](const char* id) {
    return Json(Json::Object{{"Sequence", Json::Object{{"id", id}, {"type_id", 0}}}});
  };
  add(before);
  single.push(text("A"));
  add(behind);
  Json pair = single;
  pair.push(text("B"));
  return Json::Object{{"type", "TemplateProcessing"},
                      {"single", std::move(single)},
                      {"pair", std::move(pair)},
                      {"special_tokens", std::move(special)}};
}

Json merges_part(const std::vector<ScoredToken>& tokens) {
  std::unordered_map<std::string_view, bool> mergeable;
  for (const ScoredToken& token : tokens)
    if (token.mergeable) mergeable.emplace(token.text, true);
  struct Merge {
    std::string_view left, right;
    double score;
  };
  std::vector<Merge> merges;
  for (const ScoredToken& token : tokens) {
    if (!token.mergeable) continue;
    const std::string_view text = token.text;
    for (size_t at = 0; at < text.size(); at += character_length(text[at])) {
      const std::string_view left = text.substr(0, at), right = text.substr(at);
      if (mergeable.contains(left) && mergeable.contains(right)) merges.push_back({left, right, token.score});
    }
  }
  // Of several ways to one token the one with the longer left part comes first, as in what transformers converts.
  std::stable_sort(merges.begin(), merges.end(), [](const Merge& a, const Merge& b) {
    return a.score != b.score ? a.score > b.score : a.left.size() > b.left.size();
  });
  Json out = Json::array();
  for (const Merge& merge : merges) out.push(Json::Array{merge.left, merge.right});
  return out;
}

Json sentencepiece_decoder_part(bool drops_first_blank) {
  Json::Array parts = {replace_part(kMetaspace, " "), Json::Object{{"type", "ByteFallback"}},
                       Json::Object{{"type", "Fuse"}}};
  if (drops_first_blank) parts.push_back(Json::Object{{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  return sequence_part("decoders", std::move(parts));
}

Json tokenizer_part(Json added_tokens, Json normalizer, Json pre_tokenizer, Json post_processor, Json decoder,
                    Json model) {
  return Json::Object{{"version", "1.0"},
                      {"truncation", nullptr},
                      {"padding", nullptr},
                      {"added_tokens", std::move(added_tokens)},
                      {"normalizer", std::move(normalizer)},
                      {"pre_tokenizer", std::move(pre_tokenizer)},
                      {"post_processor", std::move(post_processor)},
                      {"decoder", std::move(decoder)},
                      {"model", std::move(model)}};
}

}  // namespace sil::tokenizers
