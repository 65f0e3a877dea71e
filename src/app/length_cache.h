// Lengths in tokens that were counted before, below $SIL_CACHE_DIR, $XDG_CACHE_HOME/sil or ~/.cache/sil. A cache is
// safe to delete; where none can be read or written the lengths are counted.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sil/digest.h"
#include "tasks/dataset_check.h"

namespace sil {

class LengthCache {
 public:
  // `key`: of everything that the lengths depend on.
  explicit LengthCache(const Digest& key);

  std::optional<std::vector<RowLengths>> read() const;
  void write(const std::vector<RowLengths>& lengths) const;

 private:
  std::string folder_;  // "" = there is nowhere to keep it
  std::string path_;
};

}  // namespace sil
