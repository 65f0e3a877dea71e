#include "tokenizers/parts.h"

namespace sil {
namespace {

using tokenizers::Component;

constexpr JsonLimits kLimits{.depth = 64, .bytes = size_t{128} << 20};

// Embeddings are rows by id.
void check_no_gaps(const Component& file, const Tokenizer::Parts& parts) {
  for (TokenId id = 0; id < parts.size(); ++id)
    if (parts.decoded(id) == nullptr)
      file.fail(
          "no token has the id " + std::to_string(id) + ", but there are ids up to " + std::to_string(parts.size() - 1),
          "number the tokens without gaps");
}

}  // namespace

std::shared_ptr<const Tokenizer> read_tokenizer_json(std::string_view text, const Place& where) {
  return make_tokenizer(parse_json(text, where, kLimits), where);
}

std::shared_ptr<const Tokenizer> make_tokenizer(const Json& json, const Place& where) {
  const Component file(json, "", where);
  if (file.text("version", "1.0") != "1.0")
    file.fail("its version is " + tokenizers::quoted(file.text("version")) + "; known: \"1.0\"");
  auto model = tokenizers::read_model(file.child("model"));
  std::unique_ptr<const tokenizers::Normalizer> normalizer;
  if (const auto child = file.optional_child("normalizer")) normalizer = tokenizers::read_normalizer(*child);
  std::unique_ptr<const tokenizers::PreTokenizer> pre_tokenizer;
  if (const auto child = file.optional_child("pre_tokenizer")) pre_tokenizer = tokenizers::read_pre_tokenizer(*child);
  tokenizers::AddedTokens added(file, model->vocabulary(), normalizer.get());
  auto parts = std::make_unique<Tokenizer::Parts>(
      Tokenizer::Parts{std::move(model), std::move(normalizer), std::move(pre_tokenizer), std::move(added), {}, {}});
  if (parts->size() == 0) file.fail("it has no tokens");
  check_no_gaps(file, *parts);
  if (const auto child = file.optional_child("post_processor"))
    parts->post_processor = tokenizers::PostProcessor(*child, parts->size());
  if (const auto child = file.optional_child("decoder")) parts->decoder = tokenizers::Decoder(*child);
  return std::make_shared<Tokenizer>(std::move(parts));
}

}  // namespace sil
