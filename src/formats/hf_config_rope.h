// The rotary embedding of a config.json.
#pragma once

#include "formats/config_members.h"
#include "formats/hf_config.h"

namespace sil {

struct HfRope {
  double theta = 0;
  RopeScaling scaling;
};

// Where the layers of a kind find it.
struct RopeKeys {
  std::string theta = "rope_theta";
  std::string scaling = "rope_scaling";  // "": they cannot be stretched there
  std::string layers;                    // member of rope_parameters; "": itself
  double otherwise = 10000;              // theta, where it is not said
};

// transformers 4 writes theta and scaling as members of their own, transformers 5 both within rope_parameters. Either
// is read, and where they differ it is a finding.
HfRope read_rope(ConfigMembers& members, const RopeKeys& keys);

}  // namespace sil
