#include "formats/hf_config.h"

#include "fuzz/must.h"
#include "fuzz/targets.h"

namespace sil::fuzz {

void hf_config(std::string_view input) {
  const Place where{"config.json", 0, 0};
  std::string written;
  if (refused_well(Exit::unreadable, [&] { written = write_hf_config(read_hf_config(input, where)); })) return;
  must(write_hf_config(read_hf_config(written, where)) == written, "a config that changes when it is saved again");
}

}  // namespace sil::fuzz
