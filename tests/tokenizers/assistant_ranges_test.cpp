// What the assistant says in a conversation, beside TRL's labels for the same rows (tests/golden/make_trl.py).
#include "sil/env.h"
#include "support/catch.h"
#include "tokenizers/folder_codec.h"
#include "vectors.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;

const std::string kFolder = SIL_SOURCE_DIR "/tests/golden/trl";

std::string without(std::string text, const std::string& part) {
  for (size_t at; (at = text.find(part)) != std::string::npos;) text.erase(at, part.size());
  return text;
}

std::string own_template() {
  return system_env().read_all(kFolder + "/chat_template.jinja");
}

std::shared_ptr<const Codec> codec_with(const std::string& chat_template) {
  std::vector<FolderFile> files = read_codec_files(kFolder);
  for (FolderFile& file : files)
    if (file.name == "chat_template.jinja") file.text = chat_template;
  return folder_codec(std::move(files), kFolder);
}

// The messages before the last one, which is the completion.
Conversation prompt_of(const Json& messages) {
  Conversation out;
  for (const Json& message : messages.as_array())
    out.messages.push_back({message.at("role").as_string(), message.at("content").as_string()});
  out.messages.pop_back();
  return out;
}

// Every id that is learned: those of the prompt, then the completion's.
std::vector<bool> learned(const Codec& codec, const Json& row, std::vector<TokenId>& ids) {
  const Conversation prompt = prompt_of(row.at("messages"));
  ids = codec.encode(prompt, true);
  std::vector<bool> out(ids.size());
  for (const IdRange& range : codec.assistant_ranges(prompt))
    std::fill(out.begin() + range.begin, out.begin() + range.end, true);
  for (const TokenId id : codec.encode_text(row.at("messages").as_array().back().at("content").as_string()))
    ids.push_back(id);
  ids.push_back(codec.stop_ids().front());
  out.resize(ids.size(), true);
  return out;
}

void check_like_trl(const Codec& codec) {
  const Json golden = parse_json(system_env().read_all(kFolder + "/golden.json")).at("assistant");
  for (const Json& row : golden.at("prepared").as_array()) {
    INFO(dump(row.at("messages")));
    std::vector<TokenId> ids;
    const std::vector<bool> mask = learned(codec, row, ids);
    CHECK(ids == ids_of(row.at("input_ids")));
    std::vector<bool> wanted;
    for (const TokenId label : ids_of(row.at("labels"))) wanted.push_back(label != -100);
    CHECK(mask == wanted);
  }
}

std::string refusal(const std::string& chat_template) {
  Conversation talk;
  talk.messages = {{"user", "one"}, {"assistant", "two"}, {"user", "three"}};
  try {
    codec_with(chat_template)->assistant_ranges(talk);
  } catch (const Error& error) {
    CHECK(error.code() == Exit::unreadable);
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("the assistant's tokens are those of the template's generation blocks, as TRL labels them") {
  CHECK_THAT(own_template(), Contains("{% generation %}"));
  check_like_trl(*codec_with(own_template()));
}

TEST_CASE("without generation blocks they are what each turn adds to the conversation before it") {
  check_like_trl(*codec_with(without(without(own_template(), "{% generation %}"), "{% endgeneration %}")));
}

TEST_CASE("a turn ends with the token that ends a rollout, whatever the template writes behind it") {
  const auto codec = codec_with(
      "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content + '<|end|>\\n' }}{% endfor %}"
      "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}");
  Conversation talk;
  talk.messages = {{"user", "one"}, {"assistant", "two"}, {"user", "three"}};
  const std::vector<TokenId> ids = codec->encode(talk, true);
  const std::vector<IdRange> ranges = codec->assistant_ranges(talk);
  REQUIRE(ranges.size() == 1);
  CHECK(ids.at(static_cast<size_t>(ranges[0].begin) - 1) == 3);  // <|assistant|>
  CHECK(ids.at(static_cast<size_t>(ranges[0].end) - 1) == codec->stop_ids().front());
  CHECK(codec->decode({ids.begin() + ranges[0].begin, ids.begin() + ranges[0].end}) == "two");
}

TEST_CASE("a template that rewrites earlier turns is refused") {
  const std::string message = refusal(
      "{% for m in messages %}{{ '<|' + m.role + '|>' }}{% if loop.last and m.role == 'assistant' %}{{ 'hm ' }}"
      "{% endif %}{{ m.content + '<|end|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif "
      "%}");
  CHECK_THAT(message,
             Contains("not prefix-stable: what it writes up to message 2 changes") && Contains("{% generation %}"));
}

TEST_CASE("a conversation of very many turns is refused instead of rendered for hours") {
  Conversation talk;
  for (int i = 0; i < 4000; ++i) talk.messages.push_back({i % 2 == 0 ? "user" : "assistant", std::string(40, 'x')});
  const auto codec = codec_with(without(without(own_template(), "{% generation %}"), "{% endgeneration %}"));
  CHECK_THROWS_WITH(codec->assistant_ranges(talk), Contains("too long to tell its turns apart"));
}

TEST_CASE("a text and a plain conversation have no turns") {
  const auto codec = codec_with(own_template());
  CHECK(codec->assistant_ranges({"one two", {}, false}).empty());
  CHECK(codec->assistant_ranges({"", {{"user", "one"}}, true}).empty());
}

}  // namespace sil
