// Bytes of a table, little-endian:
//   weights     safetensors: contexts I32 [rows, context] (-1 before the beginning), logits F32 [rows, vocabulary],
//               codec U8 [32], the digest of the tokenizer
//   optimizer   "SILMOMNT" u32 format=1 u32 vocabulary u64 rows u64 steps, first f32 [rows][vocabulary], second f32 the
//               same
//   checkpoint  "SILTSTEP" u32 format=1 u64 finished steps u64 size of weights, weights, optimizer
// Weights and moments have their rows in one order: sorted by context, except in checkpoints, which keep the order of
// training so that sums over rows go on in it.
#pragma once

#include <string>
#include <string_view>

#include "engines/table_state.h"
#include "sil/digest.h"
#include "sil/engine.h"

namespace sil {

void write_weights(const TableState& state, const Digest& codec, ByteSink& out);
// Writes nothing where there are no moments.
void write_moments(const TableState& state, ByteSink& out);

// What a reader expects of the bytes.
struct TableShape {
  size_t context = 0;
  size_t vocabulary = 0;
  Digest codec;
};

// Throw Error(Exit::unreadable), or Exit::newer on a later format.
TableState read_table(std::string_view weights, std::string_view moments, const TableShape& shape);

void write_table_checkpoint(const TableState& state, const Digest& codec, int64_t steps, ByteSink& out);
TableState read_table_checkpoint(const UpdateCheckpoint& checkpoint, const TableShape& shape);

// Over names, shapes and fp32 bytes, rows sorted.
Digest table_digest(const TableState& state);

}  // namespace sil
