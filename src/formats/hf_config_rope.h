// The rotary embedding of a config.json.
#pragma once

#include "formats/config_members.h"
#include "formats/hf_config.h"

namespace sil {

struct HfRope {
  double theta = 0;
  RopeScaling scaling;
};

// transformers 4 writes rope_theta and rope_scaling, transformers 5 both within rope_parameters. Either is read, and
// where they differ it is a finding.
HfRope read_rope(ConfigMembers& members);

}  // namespace sil
