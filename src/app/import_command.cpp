// `sil import`: other formats of models as folders.
#include "app/commands.h"
#include "app/output.h"
#include "nn/import.h"

namespace sil {

int import_command(const std::string& file, const std::string& folder) {
  nn::import_gguf(file, folder);
  print("wrote " + folder + "\n");
  return 0;
}

}  // namespace sil
