// How a product is cut into tiles; the same for every instruction set.
#pragma once

#include "nn/cpu/primitives.h"

namespace sil::nn::cpu {

// A tile's part of a Product: whole panels, a chain's depth.
struct Tile {
  const float* a = nullptr;
  int64_t a_row = 0;
  const float* b = nullptr;
  int64_t b_panel = 0, b_depth = 0;
  float* c = nullptr;
  int64_t c_row = 0, c_panel = 0;
  int64_t depth = 0;
  // Floats to be brought near while this tile is computed: so many with every step of the depth.
  const float* fetch = nullptr;
  int64_t fetch_step = 0;
  Product::Into into = Product::Into::set;
};

using TileFunction = void (*)(const Tile& tile, bool packed);

inline constexpr int kMostTileRows = 12;

// The tiles of an instruction set: [i][rows] of 2^i panels, null where the registers do not hold its sums. Few rows
// take many panels at once: enough chains must be under way to hide the latency of an FMA.
struct TileShapes {
  int rows = 0;  // of the largest
  TileFunction tiles[3][kMostTileRows + 1] = {};
};

void run_product(const TileShapes& shapes, const Product& product);
void run_pack_left(int tile_rows, const float* in, int64_t stride, int64_t rows, int64_t depth, float* out);

}  // namespace sil::nn::cpu
