// Products by register tiles: at most 6 rows x 16 columns, with 32 registers 12 x 32; the depth in one go.
//
// A tile's chains live in registers from the first to the last term, so their order does not depend on how rows and
// columns are cut.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/cpu/product.cpp"
#include "base/simd_targets.h"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

#include "nn/cpu/product_driver.h"

HWY_BEFORE_NAMESPACE();
namespace sil::nn::cpu::HWY_NAMESPACE {
#if SIL_HAS_FMA
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using Lanes = hn::CappedTag<float, kPanel>;
using Vector = hn::Vec<Lanes>;
constexpr Lanes kLanes;
constexpr int kWidth = static_cast<int>(hn::MaxLanes(kLanes));
constexpr int kVectors = static_cast<int>(kPanel) / kWidth;  // a panel

// Rows [0, R) and panels [0, P) of one tile. `kPacked`: a tile's R elements of one depth lie side by side.
template <int R, int P, bool kPacked>
HWY_INLINE void tile(const Tile& t) {
  constexpr int N = P * kVectors;
  Vector sums[R][N];
  for (int r = 0; r < R; ++r)
    for (int n = 0; n < N; ++n)
      sums[r][n] = t.into == Product::Into::chain
                       ? hn::LoadU(kLanes, t.c + r * t.c_row + (n / kVectors) * t.c_panel + (n % kVectors) * kWidth)
                       : hn::Zero(kLanes);
  const float* b = t.b;
  const float* a = t.a;
  const float* fetch = t.fetch;
  for (int64_t k = 0; k < t.depth; ++k) {
    Vector row[N];
    for (int n = 0; n < N; ++n) row[n] = hn::LoadU(kLanes, b + (n / kVectors) * t.b_panel + (n % kVectors) * kWidth);
    for (int p = 0; p < P; ++p) __builtin_prefetch(fetch + p * t.fetch_step / P, 0, 2);
    fetch += t.fetch_step;
    for (int r = 0; r < R; ++r) {
      const Vector left = hn::Set(kLanes, kPacked ? a[r] : a[r * t.a_row]);
      for (int n = 0; n < N; ++n) sums[r][n] = hn::MulAdd(left, row[n], sums[r][n]);
    }
    b += t.b_depth;
    a += kPacked ? R : 1;
  }
  for (int r = 0; r < R; ++r) {
    for (int n = 0; n < N; ++n) {
      float* out = t.c + r * t.c_row + (n / kVectors) * t.c_panel + (n % kVectors) * kWidth;
      if (t.into == Product::Into::add) sums[r][n] = hn::Add(hn::LoadU(kLanes, out), sums[r][n]);
      hn::StoreU(sums[r][n], kLanes, out);
    }
  }
}

template <int R, int P>
void tile_of(const Tile& t, bool packed) {
  packed ? tile<R, P, true>(t) : tile<R, P, false>(t);
}

#if HWY_TARGET == HWY_AVX3
constexpr TileShapes kShapes = {
    .rows = 12,
    .tiles =
        {
            {nullptr, tile_of<1, 1>, tile_of<2, 1>, tile_of<3, 1>, tile_of<4, 1>, tile_of<5, 1>, tile_of<6, 1>,
             tile_of<7, 1>, tile_of<8, 1>, tile_of<9, 1>, tile_of<10, 1>, tile_of<11, 1>, tile_of<12, 1>},
            {nullptr, tile_of<1, 2>, tile_of<2, 2>, tile_of<3, 2>, tile_of<4, 2>, tile_of<5, 2>, tile_of<6, 2>,
             tile_of<7, 2>, tile_of<8, 2>, tile_of<9, 2>, tile_of<10, 2>, tile_of<11, 2>, tile_of<12, 2>},
            {nullptr, tile_of<1, 4>, tile_of<2, 4>, tile_of<3, 4>, tile_of<4, 4>},
        },
};
#else
constexpr TileShapes kShapes = {
    .rows = 6,
    .tiles =
        {
            {nullptr, tile_of<1, 1>, tile_of<2, 1>, tile_of<3, 1>, tile_of<4, 1>, tile_of<5, 1>, tile_of<6, 1>},
            {nullptr, tile_of<1, 2>, tile_of<2, 2>, tile_of<3, 2>},
            {nullptr, tile_of<1, 4>},
        },
};
#endif

}  // namespace

// rows.cpp lists them.
void product(const Product& p);
void pack_left(const float* in, int64_t stride, int64_t rows, int64_t depth, float* out);

void product(const Product& p) {
  run_product(kShapes, p);
}

void pack_left(const float* in, int64_t stride, int64_t rows, int64_t depth, float* out) {
  run_pack_left(kShapes.rows, in, stride, rows, depth, out);
}
#endif
}  // namespace sil::nn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
