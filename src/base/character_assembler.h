// Bytes in, whole characters out; a part that cannot become a character is one U+FFFD (Unicode 15, 3.9: "maximal
// subpart").
#pragma once

#include <string>
#include <string_view>

namespace sil {

class CharacterAssembler {
 public:
  std::string push(std::string_view bytes);  // what is complete now
  std::string finish();                      // what is left

 private:
  std::string take(bool last);

  std::string waiting_;  // less than one character
};

}  // namespace sil
