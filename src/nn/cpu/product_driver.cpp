#include "nn/cpu/product_driver.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

namespace sil::nn::cpu {
namespace {

constexpr int64_t kTogether = 4;  // panels

// Floats of `a` that stay in the second-level cache, of half a MiB where nobody knows, while all panels of `b` pass by:
// two fifths of it.
int64_t block_floats() {
  static const int64_t floats = std::max<int64_t>(::sysconf(_SC_LEVEL2_CACHE_SIZE), 512 * 1024) / 10;
  return floats;
}

// Tiles pass by panels in groups of kTogether. While they pass by one group the next one is read from memory: each tile
// asks for as large a part of it as it is itself of the work.
struct Cut {
  const TileShapes& shapes;
  const Product& p;
  int64_t block_rows = 0;       // that pass by together
  const float* next = nullptr;  // to be asked for
  int64_t next_floats = 0;      // of the next group's panels, with every step of the depth

  void begin_group(int64_t first) {
    const bool last = first + kTogether >= panels(p.columns);
    next = last ? p.b : p.b + (first + kTogether) * p.b_panel;
    next_floats = last ? 0 : kPanel * kTogether;
  }

  bool packed() const { return p.a_row == 0; }

  // Panels [first, last) of `rows` rows from `row` on, as many at a time as their tile takes.
  void run(int64_t row, int rows, int64_t first, int64_t last) {
    Tile tile = {.a = p.a + row * (packed() ? p.depth : p.a_row),
                 .a_row = p.a_row,
                 .b = p.b + first * p.b_panel,
                 .b_panel = p.b_panel,
                 .b_depth = p.b_depth,
                 .c = p.c + row * p.c_row + first * p.c_panel,
                 .c_row = p.c_row,
                 .c_panel = p.c_panel,
                 .depth = p.depth,
                 .into = p.into};
    const int64_t whole = std::min(last, p.columns / kPanel);
    for (size_t i = std::size(shapes.tiles); i-- > 0;) {
      const TileFunction function = shapes.tiles[i][rows];
      if (function == nullptr) continue;
      for (const int64_t count = int64_t{1} << i; first + count <= whole; first += count) {
        tile.fetch = next;
        tile.fetch_step = next_floats * count * rows / (kTogether * block_rows);
        next += tile.fetch_step * p.depth;
        function(tile, packed());
        tile.b += count * p.b_panel;
        tile.c += count * p.c_panel;
      }
    }
    if (first < last) edge(tile, rows, p.columns % kPanel);
  }

  // A panel that the product's edge cuts: computed whole, its columns copied.
  void edge(Tile tile, int rows, int64_t columns) const {
    std::array<float, kMostTileRows * kPanel> whole{};
    float* const c = tile.c;
    tile.c = whole.data();
    tile.c_row = kPanel;
    const auto line = [&](int r) { return whole.begin() + r * kPanel; };
    if (p.into == Product::Into::chain)
      for (int r = 0; r < rows; ++r) std::copy_n(c + r * p.c_row, columns, line(r));
    if (p.into == Product::Into::add) tile.into = Product::Into::set;
    shapes.tiles[0][rows](tile, packed());
    for (int r = 0; r < rows; ++r) {
      float* const out = c + r * p.c_row;
      if (p.into == Product::Into::add)
        std::transform(out, out + columns, line(r), out, std::plus<>());
      else
        std::copy_n(line(r), columns, out);
    }
  }
};

// Blocks of rows, one after the other, pass by all panels: a panel is read from memory once a block. The rows that are
// left over pass by with the last block, as many panels at a time as their tile takes at most.
void run_chain(const TileShapes& shapes, const Product& p) {
  const int64_t wide = shapes.tiles[1][shapes.rows] == nullptr ? 1 : 2;  // panels of the largest tile
  const int64_t tiles = p.rows / shapes.rows;
  const int rest = static_cast<int>(p.rows % shapes.rows);
  const int64_t block = std::max<int64_t>(1, block_floats() / (std::max<int64_t>(p.depth, 1) * shapes.rows));
  int64_t first = 0;
  do {
    const int64_t last = std::min(tiles, first + block);
    const bool with_rest = last == tiles && rest > 0;
    Cut cut{shapes, p, (last - first) * shapes.rows + (with_rest ? rest : 0)};
    for (int64_t group = 0; group < panels(p.columns); group += kTogether) {
      cut.begin_group(group);
      const int64_t end = std::min(group + kTogether, panels(p.columns));
      for (int64_t panel = group; panel < end; panel += wide)
        for (int64_t t = first; t < last; ++t)
          cut.run(t * shapes.rows, shapes.rows, panel, std::min(panel + wide, end));
      if (with_rest) cut.run(tiles * shapes.rows, rest, group, end);
    }
    first = last;
  } while (first < tiles);
}

// Chains of kLongestChain terms, joined pairwise.
void run_long(const TileShapes& shapes, const Product& p) {
  const int64_t chains = (p.depth + kLongestChain - 1) / kLongestChain;
  const int64_t width = panels(p.columns) * kPanel;
  const int64_t size = p.rows * width;
  std::vector<float> parts(static_cast<size_t>(chains * size + kSlack));
  for (int64_t i = 0; i < chains; ++i) {
    Product part = p;
    part.depth = std::min(kLongestChain, p.depth - i * kLongestChain);
    part.a += i * kLongestChain;
    part.b += i * kLongestChain * p.b_depth;
    part.c = parts.data() + i * size;
    part.c_row = width;
    part.c_panel = kPanel;
    part.into = Product::Into::set;
    run_chain(shapes, part);
  }
  float* const sums = parts.data();
  for (int64_t stride = 1; stride < chains; stride *= 2)
    for (int64_t i = 0; i + stride < chains; i += 2 * stride)
      for (int64_t j = 0; j < size; ++j) sums[i * size + j] += sums[(i + stride) * size + j];
  for (int64_t r = 0; r < p.rows; ++r)
    for (int64_t j = 0; j < p.columns; ++j) {
      float& out = p.c[r * p.c_row + j / kPanel * p.c_panel + j % kPanel];
      out = p.into == Product::Into::add ? out + sums[r * width + j] : sums[r * width + j];
    }
}

}  // namespace

void run_product(const TileShapes& shapes, const Product& product) {
  product.depth > kLongestChain ? run_long(shapes, product) : run_chain(shapes, product);
}

void run_pack_left(int tile_rows, const float* in, int64_t stride, int64_t rows, int64_t depth, float* out) {
  for (int64_t row = 0; row < rows; row += tile_rows) {
    const int64_t width = std::min<int64_t>(tile_rows, rows - row);
    for (int64_t k = 0; k < depth; ++k, out += width) std::copy_n(in + k * stride + row, width, out);
  }
}

}  // namespace sil::nn::cpu
