#include "tokenizers/gguf_pre_tokenizers.h"

#include <utility>

#include "tokenizers/canonical_part.h"
#include "tokenizers/json_parts.h"

namespace sil::tokenizers {
namespace {

// Patterns as the models' own tokenizer.json files have them.
constexpr const char* kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
    R"(\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
    R"(\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kTekken = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|)"
                                R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|)"
                                R"(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kGpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kDeepseek3 =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|)"
    R"( ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// DeepSeek LLM: letters that have case, marks, and Chinese, Japanese and Korean.
constexpr const char* kCasedWords =
    R"(\s?[)"
    R"(\x{41}-\x{5A}\x{61}-\x{7A}\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF})"
    R"(\x{1C4}-\x{293}\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386})"
    R"(\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556})"
    R"(\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF})"
    R"(\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D})"
    R"(\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D}\x{1F5F}-\x{1F7D})"
    R"(\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3})"
    R"(\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113})"
    R"(\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139})"
    R"(\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4})"
    R"(\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F})"
    R"(\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17})"
    R"(\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB})"
    R"(\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF}\x{1E900}-\x{1E943})"
    R"(]+)";
constexpr const char* kMarks = R"(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+)";
constexpr const char* kEastAsian = R"([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)";
constexpr const char* kEastAsian3 = R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)";
// llama.cpp's own, for files that name none.
constexpr const char* kDefaultMarks = R"([\p{P}\$\+<=>\^~\|]+)";
constexpr const char* kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

Json splits(const std::vector<const char*>& patterns) {
  Json::Array parts;
  for (const char* pattern : patterns) parts.push_back(split_part(pattern));
  parts.push_back(byte_level_part(false));
  return sequence_part("pretokenizers", std::move(parts));
}

Json digits_then(bool individual, Json then) {
  return sequence_part("pretokenizers", {digits_part(individual), std::move(then)});
}

Json falcon() {
  return sequence_part("pretokenizers", {Json::Object{{"type", "Punctuation"}, {"behavior", "Contiguous"}},
                                         byte_level_part(true), digits_part(false), split_part("[0-9][0-9][0-9]")});
}

struct Known {
  std::string_view name;
  GgufPreTokenizer (*make)();
};

GgufPreTokenizer gpt2() {
  return {byte_level_part(true), {}};
}
GgufPreTokenizer llama3() {
  return {splits({kLlama3}), {}, true, true};
}
GgufPreTokenizer qwen2() {
  return {splits({kQwen2}), Json::Object{{"type", "NFC"}}};
}
GgufPreTokenizer digits_alone() {
  return {digits_then(true, byte_level_part(true)), {}};
}
GgufPreTokenizer tekken() {
  return {splits({kTekken}), {}, true, true};
}

// Of those that do the same the first is written.
constexpr Known kKnown[] = {
    {"gpt-2", gpt2},
    {"llama-bpe", llama3},
    {"qwen2", qwen2},
    {"smollm", digits_alone},
    {"dbrx",
     [] {
       return GgufPreTokenizer{splits({kLlama3}), {}};
     }},
    {"deepseek-coder",
     [] {
       return GgufPreTokenizer{splits({"[\r\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", kEastAsian, "\\p{N}"}), {}};
     }},
    {"deepseek-llm",
     [] {
       return GgufPreTokenizer{splits({"[\r\n]", kCasedWords, kMarks, "\\s+$", kEastAsian, "\\p{N}"}), {}};
     }},
    {"deepseek-r1-qwen", qwen2},
    {"deepseek-v3",
     [] {
       return GgufPreTokenizer{splits({"\\p{N}{1,3}", kEastAsian3, kDeepseek3}), {}};
     }},
    {"default",
     [] {
       return GgufPreTokenizer{splits({kDefaultMarks, kGpt2, "\\p{N}+", "[0-9][0-9][0-9]"}), {}};
     }},
    {"falcon",
     [] {
       return GgufPreTokenizer{falcon(), {}};
     }},
    {"gpt-4o",
     [] {
       return GgufPreTokenizer{splits({kGpt4o}), {}};
     }},
    {"llama-v3", llama3},
    {"llama3", llama3},
    {"phi-2", gpt2},
    {"refact", digits_alone},
    {"smaug-bpe",
     [] {
       return GgufPreTokenizer{splits({kLlama3}), {}};
     }},
    {"starcoder", digits_alone},
    {"tekken", tekken},
};

}  // namespace

std::optional<GgufPreTokenizer> gguf_pre_tokenizer(std::string_view name) {
  for (const Known& known : kKnown)
    if (known.name == name) return known.make();
  return std::nullopt;
}

std::string gguf_pre_tokenizer_names() {
  std::string out;
  for (const Known& known : kKnown) out += (out.empty() ? "" : ", ") + std::string(known.name);
  return out;
}

std::optional<std::string_view> gguf_pre_tokenizer_name(const Json& tokenizer) {
  const Json& model = tokenizer.at("model");
  const Json *ignores = model.find("ignore_merges"), *normalizer = tokenizer.find("normalizer");
  const std::string cut = canonical_part("pre_tokenizer", tokenizer.at("pre_tokenizer"));
  const std::string normal = canonical_part("normalizer", normalizer != nullptr ? *normalizer : Json());
  // Without merges every byte is a token, wherever the text is cut.
  if (model.at("merges").as_array().empty() && normal == canonical_part("normalizer", {})) return kKnown[0].name;
  for (const Known& known : kKnown) {
    const GgufPreTokenizer way = known.make();
    if (way.ignore_merges == (ignores != nullptr && *ignores == Json(true)) &&
        canonical_part("pre_tokenizer", way.pre_tokenizer) == cut &&
        canonical_part("normalizer", way.normalizer) == normal)
      return known.name;
  }
  return std::nullopt;
}

}  // namespace sil::tokenizers
