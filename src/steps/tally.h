// Counts and sums of a step, gathered frame by frame. Both are integers, so that any grouping into frames and any order
// gives the same figures.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "sil/json.h"

namespace sil {

class Tally {
 public:
  void count(std::string_view name, int64_t n = 1) { at(counts_, name) += n; }
  // Adds to a sum kept in units of 2^-30 (a value rounds once, by itself); |value| < 2^20 is what it is meant for.
  void add(std::string_view name, double value);
  void merge(const Tally& other);

  int64_t count_of(const std::string& name) const;
  double sum_of(const std::string& name) const;
  // Sum / count of another name; 0 when that count is 0.
  double mean(const std::string& sum, const std::string& count) const;
  double share(const std::string& part, const std::string& whole) const;  // of two counts
  const std::map<std::string, int64_t, std::less<>>& counts() const { return counts_; }

  Json to_json() const;
  static Tally from_json(const Json& json);  // throws Error(Exit::corrupt)

 private:
  using Values = std::map<std::string, int64_t, std::less<>>;
  static int64_t& at(Values& values, std::string_view name);

  Values counts_;
  Values sums_;
};

}  // namespace sil
