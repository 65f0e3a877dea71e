// The codec of a Hugging Face model folder: its tokenizer, its chat template, and where its rollouts end.
//
//   tokenizer.json           any tokenizer that read_tokenizer_json knows
//   tokenizer_config.json    bos_token, eos_token; chat_template, where there is no chat_template.jinja
//   generation_config.json   eos_token_id: one id or several; else config.json's; else the id of eos_token
//
// As transformers does it: a conversation is rendered by the template and its text encoded without further special
// tokens; without a template a text is encoded with what the tokenizer puts around it. Special tokens are read in both,
// not in encode_text. A template that asks for today's date gets 26 July 2024, the day that Llama's own templates fall
// back to: the same recipe gives the same ids on any day.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "formats/gguf.h"
#include "sil/codec.h"
#include "sil/error.h"
#include "sil/json.h"

namespace sil {

// `files`: the folder's, by their names; those above and whatever should stand beside a model that is saved again.
// `folder` is where they are from, for messages. Throws Error(Exit::unreadable) at the file in question.
std::shared_ptr<const Codec> folder_codec(std::vector<FolderFile> files, const std::string& folder);

// The files of a folder that a codec is made of, as many as are there.
std::vector<FolderFile> read_codec_files(const std::string& folder);

// tokenizer.json and tokenizer_config.json for the vocabulary in a GGUF file's metadata, and the chat template where
// there is one. Throws Error(Exit::unreadable) at `where` for a vocabulary that is not known.
std::vector<FolderFile> gguf_codec_files(const Json& metadata, const std::string& chat_template, const Place& where);

// The way back: the entries tokenizer.* of a GGUF file for a model with `rows` rows of embeddings, as many as the codec
// has ids or more. What gguf_codec_files makes of them gives the same ids. Throws Error(Exit::usage) at `where` for a
// tokenizer that a GGUF file cannot hold, with the reason.
std::vector<GgufEntry> gguf_codec_entries(const Codec& codec, int64_t rows, const Place& where);

}  // namespace sil
