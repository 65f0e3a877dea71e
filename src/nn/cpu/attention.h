// Keys lie in the cache as [key heads][capacity / 16][width][16], values as [key heads][capacity][width].
//
// Attention as products: scores = Q K^T over panels of 16 positions, output = P V. A score is a chain over the head's
// width, an output a chain over the positions in order, prefix first; the softmax of a row runs over its positions in
// 16 lanes. A row's result depends on its own query and on what it sees, whether the keys come from the cache or from
// the rows beside it, whichever rows are computed together. Of a window whole panels that no row of a block sees are
// passed over, and positions that a row does not see have weight 0: neither changes a bit.
#pragma once

#include "nn/cpu/primitives.h"
#include "nn/ops/kernels.h"

namespace sil::nn::cpu {

void attention(const Primitives& by, Tensor qkv, const Heads& heads, const AttentionLayer& layer, const Layout& layout,
               Tensor out, SoftmaxStats* stats, Arena& scratch);
void attention_backward(const Primitives& by, Tensor qkv, const Heads& heads, const AttentionLayer& layer,
                        const Layout& layout, Tensor out, const SoftmaxStats* stats, Tensor dout, Tensor dqkv,
                        Arena& scratch);

}  // namespace sil::nn::cpu
