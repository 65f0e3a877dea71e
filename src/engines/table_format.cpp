#include "engines/table_format.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "formats/safetensors.h"
#include "sil/error.h"

namespace sil {
namespace {

static_assert(std::endian::native == std::endian::little, "values are stored as they lie in memory");

constexpr std::string_view kWeights = "table weights";  // in messages
constexpr std::string_view kMoments = "SILMOMNT";
constexpr std::string_view kCheckpoint = "SILTSTEP";
constexpr uint32_t kFormat = 1;

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <class T>
std::string_view bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

[[noreturn]] void refuse(std::string_view what, const std::string& problem) {
  throw Error(Exit::unreadable, std::string(what) + ": " + problem,
              "load bytes that a table of the same context and tokenizer saved");
}

// Reads fixed-size values off the front of some bytes, and refuses to read past their end.
class Reader {
 public:
  Reader(std::string_view what, std::string_view bytes) : what_(what), bytes_(bytes) {}

  void magic(std::string_view wanted) {
    if (take(wanted.size()) != wanted) refuse(what_, "the bytes do not begin with " + std::string(wanted));
    const auto format = number<uint32_t>();
    if (format > kFormat)
      throw Error(Exit::newer, std::string(what_) + ": format " + std::to_string(format) + "; this program reads 1",
                  "use the version of sil that wrote it");
    if (format != kFormat) refuse(what_, "format " + std::to_string(format) + "; only 1 exists");
  }

  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  std::string_view take(size_t size) {
    if (size > bytes_.size())
      refuse(what_,
             "cut short: " + std::to_string(size) + " more bytes wanted, " + std::to_string(bytes_.size()) + " left");
    const std::string_view piece = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return piece;
  }

  // The rest has exactly this many pieces of this many bytes.
  void expect(uint64_t pieces, size_t size) {
    if (size != 0 && (pieces > bytes_.size() / size || pieces * size != bytes_.size()))
      refuse(what_, std::to_string(pieces) + " rows of " + std::to_string(size) + " bytes wanted, " +
                        std::to_string(bytes_.size()) + " bytes left");
  }

  std::string_view what() const { return what_; }
  std::string_view rest() const { return bytes_; }

 private:
  std::string_view what_;
  std::string_view bytes_;
};

void read_floats(Reader& in, std::span<float> out) {
  const std::string_view bytes = in.take(out.size_bytes());
  if (!out.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  const auto bad = std::find_if(out.begin(), out.end(), [](float value) { return !std::isfinite(value); });
  if (bad != out.end()) refuse(in.what(), "number " + std::to_string(bad - out.begin()) + " is not finite");
}

void check_equal(std::string_view what, const char* name, uint64_t seen, uint64_t wanted) {
  if (seen != wanted)
    refuse(what, std::string(name) + " " + std::to_string(seen) + "; this model has " + std::to_string(wanted));
}

// Left of a context stand as many kNone as it is short of; then ids of the vocabulary.
bool is_context(std::span<const TokenId> ids, size_t vocabulary) {
  const auto first = std::find_if(ids.begin(), ids.end(), [](TokenId id) { return id != ContextWindow::kNone; });
  return std::all_of(first, ids.end(), [&](TokenId id) { return id >= 0 && static_cast<size_t>(id) < vocabulary; });
}

const TensorView& tensor(const Safetensors& file, const char* name, Dtype dtype, size_t dimensions) {
  const TensorView* found = file.find(name);
  if (found == nullptr) refuse(kWeights, std::string("the tensor ") + name + " is missing");
  if (found->dtype != dtype || found->shape.size() != dimensions)
    refuse(kWeights, std::string("the tensor ") + name + " is of another type or rank");
  return *found;
}

TableState read_weights(std::string_view bytes, const TableShape& shape) {
  const Safetensors file = read_safetensors(bytes, {std::string(kWeights), 0, 0});
  const TensorView& contexts = tensor(file, "contexts", Dtype::i32, 2);
  const TensorView& logits = tensor(file, "logits", Dtype::f32, 2);
  check_equal(kWeights, "context", static_cast<uint64_t>(contexts.shape[1]), shape.context);
  check_equal(kWeights, "vocabulary", static_cast<uint64_t>(logits.shape[1]), shape.vocabulary);
  const auto rows = static_cast<uint64_t>(contexts.shape[0]);
  check_equal(kWeights, "rows of logits", static_cast<uint64_t>(logits.shape[0]), rows);
  if (tensor(file, "codec", Dtype::u8, 1).bytes != bytes_of(shape.codec.bytes))
    refuse(kWeights, "made with another tokenizer");
  // Without columns a shape says any number of rows in no bytes: an empty context has one row at most.
  if (shape.context == 0 && rows > 1) refuse(kWeights, std::to_string(rows) + " rows for the one empty context");
  TableState state{ContextTable(shape.context, shape.vocabulary), {}};
  std::vector<TokenId> ids(shape.context);
  for (uint64_t row = 0; row < rows; ++row) {
    if (!ids.empty())
      std::memcpy(ids.data(), contexts.bytes.data() + row * ids.size() * sizeof(TokenId), ids.size() * sizeof(TokenId));
    if (!is_context(ids, shape.vocabulary))
      refuse(kWeights, "row " + std::to_string(row) + " is of no possible context");
    state.table.find_or_add(ids);
    if (state.table.rows() != row + 1) refuse(kWeights, "row " + std::to_string(row) + " repeats a context");
  }
  Reader numbers(kWeights, logits.bytes);
  read_floats(numbers, state.table.all_logits());
  return state;
}

void read_moments(Reader& in, TableState& state) {
  in.magic(kMoments);
  check_equal(in.what(), "vocabulary", in.number<uint32_t>(), state.table.vocabulary());
  check_equal(in.what(), "rows", in.number<uint64_t>(), state.table.rows());
  const auto steps = in.number<uint64_t>();
  if (steps > uint64_t{1} << 62) refuse(in.what(), std::to_string(steps) + " steps");
  state.moments.steps = static_cast<int64_t>(steps);
  const size_t size = state.table.all_logits().size();
  in.expect(size, 2 * sizeof(float));
  for (std::vector<float>* moment : {&state.moments.first, &state.moments.second}) {
    moment->resize(size);
    read_floats(in, *moment);
  }
  for (float value : state.moments.second)
    if (value < 0) refuse(in.what(), "a second moment is negative");
}

TableState read_parts(std::string_view weights, std::string_view moments, const TableShape& shape) {
  TableState state = read_weights(weights, shape);
  if (moments.empty()) return state;
  Reader more("table optimizer", moments);
  read_moments(more, state);
  return state;
}

}  // namespace

void write_weights(const TableState& state, const Digest& codec, ByteSink& out) {
  const ContextTable& table = state.table;
  const auto rows = static_cast<int64_t>(table.rows());
  const std::array<TensorView, 3> tensors{
      {{"contexts", Dtype::i32, {rows, static_cast<int64_t>(table.context())}, bytes_of(table.all_ids())},
       {"logits", Dtype::f32, {rows, static_cast<int64_t>(table.vocabulary())}, bytes_of(table.all_logits())},
       {"codec", Dtype::u8, {static_cast<int64_t>(codec.bytes.size())}, bytes_of(codec.bytes)}}};
  write_safetensors(tensors, out);
}

void write_moments(const TableState& state, ByteSink& out) {
  if (state.moments.steps == 0) return;
  out.write(kMoments);
  out.write(bytes_of(kFormat));
  out.write(bytes_of(static_cast<uint32_t>(state.table.vocabulary())));
  out.write(bytes_of(uint64_t{state.table.rows()}));
  out.write(bytes_of(static_cast<uint64_t>(state.moments.steps)));
  out.write(bytes_of(std::span<const float>(state.moments.first)));
  out.write(bytes_of(std::span<const float>(state.moments.second)));
}

TableState read_table(std::string_view weights, std::string_view moments, const TableShape& shape) {
  TableState state = read_parts(weights, moments, shape);
  state.settle();
  return state;
}

void write_table_checkpoint(const TableState& state, const Digest& codec, int64_t steps, ByteSink& out) {
  StringSink weights;
  write_weights(state, codec, weights);
  const std::string table = weights.take();
  out.write(kCheckpoint);
  out.write(bytes_of(kFormat));
  out.write(bytes_of(static_cast<uint64_t>(steps)));
  out.write(bytes_of(uint64_t{table.size()}));
  out.write(table);
  write_moments(state, out);
}

TableState read_table_checkpoint(const UpdateCheckpoint& checkpoint, const TableShape& shape) {
  Reader in("table checkpoint", checkpoint.state);
  in.magic(kCheckpoint);
  check_equal(in.what(), "step", in.number<uint64_t>(), static_cast<uint64_t>(checkpoint.step));
  const auto size = in.number<uint64_t>();
  const std::string_view weights = in.take(size);
  return read_parts(weights, in.rest(), shape);
}

Digest table_digest(const TableState& state) {
  Sha256 hash;
  hash.field("table").number(state.table.context()).number(state.table.vocabulary());
  hash.field("contexts").array(state.table.all_ids());
  hash.field("logits").array(state.table.all_logits());
  return hash.finish();
}

}  // namespace sil
