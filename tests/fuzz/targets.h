// What may be fed any bytes: one function a parser. Each throws only for a bug: what the parser must never do (another
// exit code than its contract says, a place outside the text, a value that does not survive its own writer) is thrown
// as std::logic_error, as are the exceptions that a parser lets through.
#pragma once

#include <string_view>

namespace sil::fuzz {

void yaml(std::string_view input);         // recipe/yaml.h, both entries
void recipe(std::string_view input);       // a recipe over the real shelves; overrides after a line "%%", one a line
void jsonl(std::string_view input);        // rows of a dataset, compressed or not, to problems
void journal(std::string_view input);      // bytes as they are, then its lines sealed as records and folded
void lua(std::string_view input);          // check and evaluation of an expression
void protocol(std::string_view input);     // what a verifier program says
void safetensors(std::string_view input);  // bytes as they are, then as a header with fitting data
void gguf(std::string_view input);         // a file, and the model in it
void shard_index(std::string_view input);  // model.safetensors.index.json
void hf_config(std::string_view input);    // config.json
void mathematics(std::string_view input);  // a reference answer, then after a newline a completion
void lines(std::string_view input);        // rollouts, verdicts, fates and examples of a segment
void tokenizer(std::string_view input);    // tokenizer.json, then NUL and a text; the same as a SentencePiece model
void jinja(std::string_view input);        // a template, rendered over a small conversation within tight limits

struct Target {
  std::string_view name;
  void (*feed)(std::string_view input);
};
inline constexpr Target kTargets[] = {{"yaml", yaml},
                                      {"recipe", recipe},
                                      {"jsonl", jsonl},
                                      {"journal", journal},
                                      {"lua", lua},
                                      {"protocol", protocol},
                                      {"safetensors", safetensors},
                                      {"gguf", gguf},
                                      {"shard_index", shard_index},
                                      {"hf_config", hf_config},
                                      {"mathematics", mathematics},
                                      {"lines", lines},
                                      {"tokenizer", tokenizer},
                                      {"jinja", jinja}};

}  // namespace sil::fuzz
