// Laws of stores: which records are drawn, which are forgotten. Pure functions of the records; statistics are never
// kept in place.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sil {

// What a law may know of one record, oldest first.
struct StoreRecord {
  uint64_t id = 0;
  int64_t round = 0;     // when it was put
  int64_t age = 0;       // rounds since
  int64_t position = 0;  // within the store
};

class DrawLaw {
 public:
  virtual ~DrawLaw() = default;
  // Positions to use, in the order to use them; n = 0 means as many as the law gives on its own. Repeats are allowed
  // where the law says so.
  virtual std::vector<size_t> draw(const std::vector<StoreRecord>& records, int64_t n, uint64_t key) const = 0;
};

class EvictRule {
 public:
  virtual ~EvictRule() = default;
  virtual std::vector<size_t> evict(const std::vector<StoreRecord>& records) const = 0;  // positions to forget
};

}  // namespace sil
