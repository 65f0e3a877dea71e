// The unigram language model (Kudo 2018): of all ways to write a piece the one of the largest sum of scores, by
// Viterbi.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>

#include "tokenizers/byte_trie.h"
#include "tokenizers/code_points.h"
#include "tokenizers/subword_model.h"

namespace sil::tokenizers {
namespace {

// serde_json, by which `tokenizers` reads its files, takes a number's digits as an integer and divides once: up to a
// bit less exact than the nearest double. Ways of equal score are told apart by that bit.
double as_serde_json_reads(double score) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), score, std::chars_format::scientific).ptr;
  const std::string_view shortest(text.data(), static_cast<size_t>(end - text.data()));
  const size_t e = shortest.find('e');
  if (e == std::string_view::npos) return score;  // not finite
  int exponent = std::stoi(std::string(shortest.substr(e + 1)));
  int64_t significand = 0;
  for (const char c : shortest.substr(0, e)) {
    if (c >= '0' && c <= '9') significand = significand * 10 + (c - '0');
  }
  const size_t point = shortest.find('.');
  if (point < e) exponent -= static_cast<int>(e - point - 1);
  auto digits = static_cast<double>(significand);
  const auto power = [](int n) { return std::strtod(("1e" + std::to_string(n)).c_str(), nullptr); };
  if (exponent < -308) {
    digits /= power(308);
    exponent += 308;
  }
  digits = exponent < 0 ? digits / power(-exponent) : digits * power(exponent);
  return score < 0 ? -digits : digits;
}

constexpr double kUnknownPenalty = 10;  // an unknown character scores that much below the worst token

class Unigram final : public SubwordModel {
 public:
  Unigram(Vocabulary vocabulary, std::vector<double> scores, TokenId unknown, bool byte_fallback)
      : SubwordModel(std::move(vocabulary)),
        scores_(std::move(scores)),
        unknown_(unknown),
        byte_fallback_(byte_fallback),
        bytes_(this->vocabulary()) {
    std::vector<std::pair<std::string_view, TokenId>> entries;
    for (TokenId id = 0; id < this->vocabulary().bound(); ++id) {
      entries.emplace_back(*this->vocabulary().token(id), id);
      lowest_ = std::min(lowest_, scores_[static_cast<size_t>(id)]);
    }
    trie_ = ByteTrie(std::move(entries));
  }

  void encode(std::string_view piece, std::vector<TokenId>& out) const override {
    const std::vector<Step> best = best_path(piece);
    std::vector<Span> parts;
    bool fusing = false;
    for (size_t end = piece.size(); end > 0; end = best[end].begin) {
      const bool unknown = best[end].id == unknown_;
      if (unknown && fusing) {
        parts.back().begin = best[end].begin;
      } else {
        parts.push_back({best[end].begin, end});
      }
      fusing = unknown;
    }
    for (size_t i = parts.size(); i-- > 0;) append(piece.substr(parts[i].begin, parts[i].end - parts[i].begin), out);
  }

 private:
  struct Span {
    size_t begin, end;
  };
  struct Step {
    double score = 0;
    size_t begin = kNowhere;
    TokenId id = 0;
  };
  static constexpr size_t kNowhere = std::numeric_limits<size_t>::max();

  // By where a token ends: the best way to come there.
  std::vector<Step> best_path(std::string_view piece) const {
    std::vector<Step> best(piece.size() + 1);
    const auto offer = [&](size_t begin, size_t end, double score, TokenId id) {
      Step& step = best[end];
      score += best[begin].score;
      if (step.begin == kNowhere || score > step.score) step = {score, begin, id};
    };
    for (size_t begin = 0; begin < piece.size();) {
      const size_t character = character_length(piece[begin]);
      bool known = false;
      ByteTrie::Node node = ByteTrie::kRoot;
      for (size_t end = begin; end < piece.size();) {
        node = trie_.next(node, piece[end]);
        if (node == ByteTrie::kRoot) break;
        ++end;
        const TokenId id = trie_.value(node);
        if (id < 0) continue;
        offer(begin, end, scores_[static_cast<size_t>(id)], id);
        known = known || end - begin == character;
      }
      if (!known) {
        if (unknown_ < 0) fail_unknown(piece, "a character is not in its vocabulary, which has no unknown token");
        offer(begin, begin + character, lowest_ - kUnknownPenalty, unknown_);
      }
      begin += character;
    }
    return best;
  }

  void append(std::string_view token, std::vector<TokenId>& out) const {
    if (const auto id = vocabulary().id(token)) return out.push_back(*id);
    if (byte_fallback_ && bytes_.append(token, out)) return;
    out.push_back(unknown_);
  }

  std::vector<double> scores_;
  double lowest_ = std::numeric_limits<double>::infinity();
  TokenId unknown_;  // -1: none
  bool byte_fallback_;
  ByteTokens bytes_;
  ByteTrie trie_;
};

}  // namespace

std::unique_ptr<const SubwordModel> read_unigram(const Component& component) {
  std::vector<double> scores;
  Vocabulary vocabulary = Vocabulary::of_scores(component, scores);
  std::transform(scores.begin(), scores.end(), scores.begin(), as_serde_json_reads);
  TokenId unknown = -1;
  if (component.find("unk_id") != nullptr)
    unknown = static_cast<TokenId>(component.integer("unk_id", 0, vocabulary.bound() - 1));
  return std::make_unique<Unigram>(std::move(vocabulary), std::move(scores), unknown,
                                   component.flag("byte_fallback", false));
}

}  // namespace sil::tokenizers
