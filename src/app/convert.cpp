// `sil import` and `sil export`: models between their forms.
#include "nn/convert.h"
#include "app/commands.h"
#include "app/output.h"

namespace sil {

int import_command(const std::string& model, const std::string& folder, bool json) {
  nn::write_model_folder(model, folder);
  if (json)
    print_json(Json::Object{{"schema_version", 1}, {"model", model}, {"folder", folder}});
  else
    print("wrote " + folder + "\n");
  return 0;
}

}  // namespace sil
