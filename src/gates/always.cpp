#include "gates/gates.h"

namespace sil {
namespace {

class Always final : public Gate {
 public:
  explicit Always(NoOptions) {}
  std::string metric() const override { return {}; }
  bool needs_incumbent() const override { return false; }
  Decision decide(const GateInput&) const override { return {true, "always accepts", {}}; }
};

}  // namespace

void register_always(Registry<Gate>& registry) {
  registry.add<Always, NoOptions>("always", "accept every candidate");
}

}  // namespace sil
