// `sil gc` and `sil rebuild`: what a run directory holds beyond its record.
#include "app/commands.h"
#include "app/output.h"
#include "loop/retention.h"
#include "loop/views.h"
#include "sil/env.h"

namespace sil {

int gc_command(const std::string& run, bool dry_run, bool json) {
  const GcReport report = gc_run(system_env(), run, dry_run);
  if (!json) {
    print((dry_run ? "would remove " : "removed ") + std::to_string(report.objects) + " objects and " +
          std::to_string(report.temporaries) + " temporary files, " + std::to_string(report.bytes) + " bytes\n");
    return 0;
  }
  Json out = Json::object();
  out.set("schema_version", 1);
  out.set("run", run);
  out.set("dry_run", dry_run);
  out.set("objects", report.objects);
  out.set("temporaries", report.temporaries);
  out.set("bytes", report.bytes);
  print_json(out);
  return 0;
}

int rebuild_command(const std::string& run, bool json) {
  const int64_t written = rebuild_run(system_env(), run);
  if (!json) {
    print("wrote " + std::to_string(written) + " derived files and checkpoints\n");
    return 0;
  }
  Json out = Json::object();
  out.set("schema_version", 1);
  out.set("run", run);
  out.set("written", written);
  print_json(out);
  return 0;
}

}  // namespace sil
