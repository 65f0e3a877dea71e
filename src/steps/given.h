// What came with a problem, as a model reads it.
#pragma once

#include <string>

#include "sil/codec.h"
#include "sil/filter.h"
#include "sil/records.h"
#include "text/view.h"

namespace sil {

// Gives a group the prompt that the view shows of its problem, and a rollout for each answer that came with it: its ids
// with the token that ends a rollout, no log-probs, and the verdict of the step `step`, by what the data says of it.
// `assistant_only_loss`: the prompt says what of it is learned too. Throws Error(Exit::unreadable) where the codec
// cannot write it.
void add_given(Group& group, const Codec& codec, const View& view, const std::string& step, const std::string& role,
               bool assistant_only_loss);

}  // namespace sil
