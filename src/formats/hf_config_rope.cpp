#include "formats/hf_config_rope.h"

#include <cmath>

namespace sil {
namespace {

constexpr int64_t kMostPositions = int64_t{1} << 20;

// One map that says how an embedding turns: rope_scaling or rope_parameters.
class RopeMap {
 public:
  RopeMap(ConfigMembers& members, std::string name, const Json* map)
      : members_(members), name_(std::move(name)), map_(map) {
    if (map_ == nullptr || map_->is_object()) return;
    members_.find(name_ + " is " + map_->kind() + ", not a map");
    map_ = nullptr;
  }

  const Json* value(std::string_view member) const {
    const Json* found = map_ == nullptr ? nullptr : map_->find(member);
    return found != nullptr && found->is_null() ? nullptr : found;
  }
  std::string full(const std::string& member) const { return name_ + "." + member; }
  std::string shown() const { return name_ + (map_ == nullptr ? "" : " is " + ConfigMembers::shown(*map_)); }

  RopeScaling scaling() {
    if (map_ == nullptr) return {};
    const Json* type = value("rope_type") != nullptr ? value("rope_type") : value("type");
    const bool linear = type != nullptr && *type == Json("linear");
    const bool llama3 = type != nullptr && *type == Json("llama3");
    RopeScaling out;
    out.type = linear ? RopeType::linear : llama3 ? RopeType::llama3 : RopeType::plain;
    if ((type != nullptr && *type != Json("default") && !linear && !llama3) || has_other_member(out.type)) {
      members_.refuse(name_, *map_, "rope_type default, linear with factor, llama3 with its four numbers");
      return {};
    }
    if (out.type != RopeType::plain) out.factor = from("factor", 1);
    if (llama3) read_llama3(out);
    return out;
  }

 private:
  void read_llama3(RopeScaling& out) {
    out.low_freq_factor = from("low_freq_factor", 1e-6);
    out.high_freq_factor = from("high_freq_factor", 1e-6);
    if (members_.sound() && out.high_freq_factor <= out.low_freq_factor)
      members_.find(full("high_freq_factor") + " is " + ConfigMembers::shown(out.high_freq_factor) +
                    "; allowed: numbers above low_freq_factor, " + ConfigMembers::shown(out.low_freq_factor));
    const char* const original = "original_max_position_embeddings";
    out.original_max_position_embeddings = members_.size_of(full(original), value(original), kMostPositions);
  }

  double from(const char* member, double least) {
    const Json* found = value(member);
    if (found != nullptr && found->is_number() && found->as_double() >= least && std::isfinite(found->as_double()))
      return found->as_double();
    members_.find(full(member) + " is " + (found != nullptr ? ConfigMembers::shown(*found) : "not there") +
                  "; allowed: numbers from " + ConfigMembers::shown(least));
    return least;
  }

  bool has_other_member(RopeType type) const {
    for (const auto& [name, seen] : map_->as_object()) {
      const bool ours = name == "rope_theta" || name == "rope_type" || name == "type" ||
                        (type != RopeType::plain && name == "factor");
      const bool of_llama3 =
          name == "low_freq_factor" || name == "high_freq_factor" || name == "original_max_position_embeddings";
      const bool whole = name == "partial_rotary_factor" && seen.is_number() && seen.as_double() == 1;
      if (!ours && !(of_llama3 && type == RopeType::llama3) && !whole && !seen.is_null()) return true;
    }
    return false;
  }

  ConfigMembers& members_;
  std::string name_;
  const Json* map_;
};

RopeMap parameters_of(ConfigMembers& members, const RopeKeys& keys) {
  const Json* all = members.value("rope_parameters");
  if (keys.layers.empty() || (all != nullptr && !all->is_object())) return {members, "rope_parameters", all};
  const Json* of_layers = all == nullptr ? nullptr : all->find(keys.layers);
  if (of_layers != nullptr && of_layers->is_null()) of_layers = nullptr;
  return {members, "rope_parameters." + keys.layers, of_layers};
}

}  // namespace

HfRope read_rope(ConfigMembers& members, const RopeKeys& keys) {
  RopeMap of4(members, keys.scaling, keys.scaling.empty() ? nullptr : members.value(keys.scaling));
  RopeMap of5 = parameters_of(members, keys);
  const Json* const beside = members.value(keys.theta);
  const Json* const within = of5.value("rope_theta");
  HfRope out;
  out.theta = members.number_of(of5.full("rope_theta"), within, members.number(keys.theta, keys.otherwise));
  if (within != nullptr && beside != nullptr && *within != *beside)
    members.find(keys.theta + " is " + ConfigMembers::shown(*beside) + ", but " + of5.full("rope_theta") + " is " +
                     ConfigMembers::shown(*within),
                 "let both say the same");
  // The first that scales; the other says the same or nothing.
  const RopeScaling scaling4 = of4.scaling(), scaling5 = of5.scaling();
  out.scaling = scaling5 == RopeScaling() ? scaling4 : scaling5;
  if (out.scaling != scaling4 && scaling4 != RopeScaling())
    members.find(of4.shown() + ", but " + of5.shown(), "let both say the same");
  return out;
}

}  // namespace sil
