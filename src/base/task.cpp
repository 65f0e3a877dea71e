#include "sil/task.h"

namespace sil {

void TaskOptions::visit(OptionVisitor& v) {
  v.option(
      "split", split,
      {.help = "train, dev or test; or {fraction: f, name: n}: a share of the problems by their hash; the shares of "
               "several tasks on the same problems do not overlap, and tasks without one read the rest"});
  v.option("answer", answer,
           {.help = "how the answer is taken from a completion",
            .choices = {"whole", "last_number", "hashes", "boxed", "regex"}});
  v.option("pattern", pattern, {.help = "of answer: regex; its first group is the answer"});
  v.option("answers", answers,
           {.help = "observe hides answers, given solutions and metadata from everything but the step `observe`",
            .choices = {"use", "observe"}});
}

}  // namespace sil
