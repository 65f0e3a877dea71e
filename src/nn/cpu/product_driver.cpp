#include "nn/cpu/product_driver.h"

#include <algorithm>
#include <array>
#include <vector>

namespace sil::nn::cpu {
namespace {

// Floats of `a` that stay in the second-level cache while all panels of `b` pass by.
constexpr int64_t kBlockFloats = 48 * 1024;

struct Cut {
  const TileShapes& shapes;
  const Product& p;

  bool packed() const { return p.a_row == 0; }
  Tile tile(int64_t row) const {
    return {.a = packed() ? p.a + row * p.depth : p.a + row * p.a_row,
            .a_row = p.a_row,
            .b = p.b,
            .b_panel = p.b_panel,
            .b_depth = p.b_depth,
            .c = p.c + row * p.c_row,
            .c_row = p.c_row,
            .c_panel = p.c_panel,
            .depth = p.depth,
            .into = p.into};
  }

  // Panels [first, last) of a tile.
  void run(Tile tile, int rows, int64_t first, int64_t last) const {
    const int64_t whole = std::min(last, p.columns / kPanel);
    first = run_by(shapes.four_panels[rows], 4, tile, first, whole);
    first = run_by(shapes.two_panels[rows], 2, tile, first, whole);
    first = run_by(shapes.tiles[rows], 1, tile, first, whole);
    if (first < last) edge(moved(tile, first), rows, p.columns % kPanel);
  }
  // One panel.
  void run_one(Tile tile, int rows, int64_t panel) const {
    if ((panel + 1) * kPanel > p.columns) return edge(moved(tile, panel), rows, p.columns % kPanel);
    shapes.tiles[rows](moved(tile, panel), packed());
  }

  // Asks for a part of a panel that comes later: reading it from memory goes on while the ones before it are computed.
  void fetch(int64_t panel, int64_t part, int64_t parts) const {
    if (panel >= panels(p.columns)) return;
    const float* const b = p.b + panel * p.b_panel;
    for (int64_t k = p.depth * part / parts; k < p.depth * (part + 1) / parts; ++k)
      __builtin_prefetch(b + k * p.b_depth, 0, 2);
  }

  int64_t run_by(TileFunction function, int64_t count, const Tile& tile, int64_t first, int64_t last) const {
    if (function == nullptr) return first;
    for (; first + count <= last; first += count) function(moved(tile, first), packed());
    return first;
  }
  Tile moved(Tile tile, int64_t panel) const {
    tile.b += panel * p.b_panel;
    tile.c += panel * p.c_panel;
    return tile;
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
    shapes.tiles[rows](tile, packed());
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
  constexpr int64_t kTogether = 4;
  const Cut cut{shapes, p};
  const int64_t tiles = p.rows / shapes.rows;
  const int rest = static_cast<int>(p.rows % shapes.rows);
  const int64_t block = std::max<int64_t>(1, kBlockFloats / (std::max<int64_t>(p.depth, 1) * shapes.rows));
  int64_t first = 0;
  do {
    const int64_t last = std::min(tiles, first + block);
    for (int64_t group = 0; group < panels(p.columns); group += kTogether) {
      const int64_t end = std::min(group + kTogether, panels(p.columns));
      for (int64_t panel = group; panel < end; ++panel)
        for (int64_t t = first; t < last; ++t) {
          cut.fetch(panel + kTogether, t - first, last - first);
          cut.run_one(cut.tile(t * shapes.rows), shapes.rows, panel);
        }
      if (last == tiles && rest > 0) cut.run(cut.tile(tiles * shapes.rows), rest, group, end);
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
