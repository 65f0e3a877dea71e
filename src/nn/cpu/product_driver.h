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
  Product::Into into = Product::Into::set;
};

using TileFunction = void (*)(const Tile& tile, bool packed);

inline constexpr int kMostTileRows = 12;

// The tiles of an instruction set, by their rows.
struct TileShapes {
  int rows = 6;   // of the largest
  int panels[4];  // that a tile of 1 to 3 rows takes at once; larger ones take one
  TileFunction tiles[kMostTileRows + 1];
  TileFunction single[4];  // one panel, for 1 to 3 rows
};

void run_product(const TileShapes& shapes, const Product& product);
void run_pack_left(int tile_rows, const float* in, int64_t stride, int64_t rows, int64_t depth, float* out);

}  // namespace sil::nn::cpu
