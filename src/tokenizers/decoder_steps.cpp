#include <cctype>
#include <optional>
#include <utility>

#include "base/character_assembler.h"
#include "base/utf8.h"
#include "text/byte_letters.h"
#include "tokenizers/code_points.h"
#include "tokenizers/decoder.h"
#include "tokenizers/pattern.h"

namespace sil::tokenizers {
namespace {

constexpr int64_t kMostStripped = 1'000'000;
constexpr size_t kLongestText = size_t{64} << 20;  // bytes, of one token or what was fused

// A stage that looks at whole tokens.
class WholeTokens : public DecodeStage {
 public:
  void put(const TokenPart& part) final {
    if (part.begins && part.ends) return take(part.text);
    token_ += part.text;
    if (token_.size() > kLongestText) fail_growth(kLongestText);
    open_ = !part.ends;
    if (part.ends) take(std::exchange(token_, {}));
  }
  void finish() final {
    if (open_) take(std::exchange(token_, {}));
    end();
    next().finish();
  }

 protected:
  virtual void take(std::string_view token) = 0;
  virtual void end() {}

 private:
  std::string token_;
  bool open_ = false;
};

template <class Stage>
class Step final : public DecoderStep {
 public:
  explicit Step(typename Stage::Options options) : options_(std::move(options)) {}
  std::unique_ptr<DecodeStage> stage() const override { return std::make_unique<Stage>(options_); }

 private:
  typename Stage::Options options_;
};

struct NoSettings {};

class Join final : public WholeTokens {
 public:
  using Options = NoSettings;
  explicit Join(const Options&) {}

 private:
  void take(std::string_view token) override {
    emit(std::exchange(first_, false) ? std::string(token) : " " + std::string(token));
  }
  bool first_ = true;
};

// All tokens become one.
class Fuse final : public DecodeStage {
 public:
  using Options = NoSettings;
  explicit Fuse(const Options&) {}
  void put(const TokenPart& part) override { next().put({part.text, std::exchange(first_, false), false}); }
  void finish() override {
    next().put({"", std::exchange(first_, false), true});
    next().finish();
  }

 private:
  bool first_ = true;
};

// Letters for bytes back to bytes; a token with another character stands for itself. All become one token.
class ByteLevelStage final : public WholeTokens {
 public:
  using Options = NoSettings;
  explicit ByteLevelStage(const Options&) {}

 private:
  void take(std::string_view token) override { pass(characters_.push(bytes_of(token)), false); }
  void end() override { pass(characters_.finish(), true); }
  void pass(const std::string& text, bool ends) { next().put({text, std::exchange(first_, false), ends}); }

  static std::string bytes_of(std::string_view token) {
    std::string out;
    for (size_t at = 0; at < token.size();) {
      const std::string_view letter = character_at(token, at);
      const std::optional<char> byte = byte_of_letter(code_point(letter));
      if (!byte) return std::string(token);
      out += *byte;
      at += letter.size();
    }
    return out;
  }

  CharacterAssembler characters_;
  bool first_ = true;
};

// <0x41> to bytes. A run of them that is not UTF-8 becomes one U+FFFD a byte.
class ByteFallbackStage final : public WholeTokens {
 public:
  using Options = NoSettings;
  explicit ByteFallbackStage(const Options&) {}

 private:
  void take(std::string_view token) override {
    if (const std::optional<char> byte = byte_of(token)) {
      bytes_ += *byte;
      return;
    }
    end();
    emit(token);
  }

  void end() override {
    const std::string bytes = std::exchange(bytes_, {});
    if (is_utf8(bytes)) {
      if (!bytes.empty()) emit(bytes);
      return;
    }
    for (size_t i = 0; i < bytes.size(); ++i) emit(kReplacementCharacter);
  }

  static std::optional<char> byte_of(std::string_view token) {
    if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with('>')) return std::nullopt;
    const auto is_digit = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
    if (!is_digit(token[4]) || (!is_digit(token[3]) && token[3] != '+')) return std::nullopt;
    const std::string digits(token.substr(token[3] == '+' ? 4 : 3, token[3] == '+' ? 1 : 2));
    return static_cast<char>(static_cast<unsigned char>(std::stoul(digits, nullptr, 16)));
  }

  std::string bytes_;
};

class MetaspaceStage final : public DecodeStage {
 public:
  struct Options {
    std::string replacement;
    bool drops_first = true;  // those of the first token stand for nothing
  };
  explicit MetaspaceStage(const Options& options) : options_(options) {}
  void put(const TokenPart& part) override {
    if (part.begins) ++token_;
    std::string out;
    for_each_character(part.text, [&](char32_t, std::string_view character) {
      if (character != options_.replacement) {
        out += character;
      } else if (token_ > 1 || !options_.drops_first) {
        out += ' ';
      }
    });
    next().put({out, part.begins, part.ends});
  }

 private:
  const Options& options_;
  size_t token_ = 0;  // from 1
};

class WordPieceStage final : public WholeTokens {
 public:
  struct Options {
    std::string prefix;
    bool cleanup = true;
  };
  explicit WordPieceStage(const Options& options) : options_(options) {}

 private:
  void take(std::string_view token) override {
    std::string out;
    if (std::exchange(first_, false)) {
      out = token;
    } else if (token.starts_with(options_.prefix)) {
      out = token.substr(options_.prefix.size());
    } else {
      out = " " + std::string(token);
    }
    if (options_.cleanup) clean_up(out);
    emit(out);
  }

  // Blanks before marks, and what English contracts.
  static void clean_up(std::string& text) {
    static constexpr std::pair<std::string_view, std::string_view> kTidied[] = {
        {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
        {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    for (const auto& [from, to] : kTidied) {
      for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    }
  }

  const Options& options_;
  bool first_ = true;
};

// The suffix that ends words becomes a blank, but not in the last token.
class BpeStage final : public WholeTokens {
 public:
  struct Options {
    std::string suffix;
  };
  explicit BpeStage(const Options& options) : options_(options) {}

 private:
  void take(std::string_view token) override {
    emit_held(" ");
    held_ = token;
  }
  void end() override { emit_held(""); }
  void emit_held(std::string_view blank) {
    if (!held_) return;
    std::string token = *std::exchange(held_, std::nullopt);
    for (size_t at = 0; (at = token.find(options_.suffix, at)) != std::string::npos; at += blank.size())
      token.replace(at, options_.suffix.size(), blank);
    emit(token);
  }

  const Options& options_;
  std::optional<std::string> held_;
};

// Up to `start` of a character at the beginning of each token, up to `stop` at its end.
class StripStage final : public DecodeStage {
 public:
  struct Options {
    std::string content;
    size_t start = 0, stop = 0;
  };
  explicit StripStage(const Options& options) : options_(options) {}

  void put(const TokenPart& part) override {
    if (part.begins) stripping_ = options_.start;
    std::string_view text = part.text;
    while (stripping_ > 0 && !text.empty()) {
      if (!text.starts_with(options_.content)) {
        stripping_ = 0;
        break;
      }
      text.remove_prefix(options_.content.size());
      --stripping_;
    }
    // What may be stripped from the end waits until more follows.
    std::string out = std::exchange(waiting_, {}) + std::string(text);
    size_t kept = out.size();
    for (size_t i = 0; i < options_.stop && std::string_view(out).substr(0, kept).ends_with(options_.content); ++i)
      kept -= options_.content.size();
    if (!part.ends) waiting_ = out.substr(kept);
    out.resize(kept);
    next().put({out, part.begins, part.ends});
  }

 private:
  const Options& options_;
  size_t stripping_ = 0;
  std::string waiting_;
};

class ReplaceStage final : public WholeTokens {
 public:
  struct Options {
    Regex regex;
    std::string content;
  };
  explicit ReplaceStage(const Options& options) : options_(options) {}

 private:
  void take(std::string_view token) override {
    std::string out;
    for (const Match& match : options_.regex.matches(token)) {
      out += match.matches ? std::string_view(options_.content)
                           : token.substr(match.span.begin, match.span.end - match.span.begin);
      if (out.size() > kLongestText) fail_growth(kLongestText);
    }
    emit(out);
  }

  const Options& options_;
};

template <class Stage>
std::unique_ptr<const DecoderStep> step(typename Stage::Options options) {
  return std::make_unique<Step<Stage>>(std::move(options));
}

}  // namespace

std::unique_ptr<const DecoderStep> joining_step() {
  return step<Join>({});
}

std::unique_ptr<const DecoderStep> read_decoder_step(const Component& component) {
  const std::string& type = component.type();
  if (type == "ByteLevel") return step<ByteLevelStage>({});
  if (type == "ByteFallback") return step<ByteFallbackStage>({});
  if (type == "Fuse") return step<Fuse>({});
  if (type == "Metaspace")
    return step<MetaspaceStage>(
        {component.character("replacement"), component.text("prepend_scheme", "always") != "never"});
  if (type == "WordPiece") return step<WordPieceStage>({component.text("prefix"), component.flag("cleanup")});
  if (type == "BPEDecoder") {
    if (component.text("suffix").empty()) component.fail("its suffix is empty");
    return step<BpeStage>({component.text("suffix")});
  }
  if (type == "Strip")
    return step<StripStage>({component.character("content"),
                             static_cast<size_t>(component.integer("start", 0, kMostStripped)),
                             static_cast<size_t>(component.integer("stop", 0, kMostStripped))});
  if (type == "Replace") return step<ReplaceStage>({read_pattern(component), component.text("content")});
  component.unknown_type("BPEDecoder, ByteFallback, ByteLevel, Fuse, Metaspace, Replace, Sequence, Strip, WordPiece");
}

}  // namespace sil::tokenizers
