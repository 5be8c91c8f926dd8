// cp.async.bulk.tensor and cp.reduce.async.bulk.tensor, tiled mode.
#include "harness/simt/execute/tensor_copy.h"

#include <fmt/format.h>

#include <array>

#include "harness/simt/execute/bulk_copy_groups.h"
#include "harness/simt/execute/cp_async_address.h"
#include "harness/simt/execute/tensor_copy_box.h"
#include "harness/simt/execute/tensor_map.h"

namespace moe::simt {
namespace {

constexpr std::uint32_t kSharedAlignment = 128;  // of a box in shared memory

[[noreturn]] void fault(Warp& warp, const Instruction& at, int lane, const std::string& what) {
  warp.block.fault(Check::kBadArgument, warp.first_thread() + lane, at, what);
}

TensorMap read_map(Warp& warp, const Instruction& at, const AddressOperand& operand, int dims,
                   int lane) {
  const Access access{.address = lane_address(warp, operand, lane),
                      .space = operand.space,
                      .bytes = kTensorMapBytes,
                      .alignment = kTensorMapAlignment};
  const Bytes bytes = warp.block.access(warp.first_thread() + lane, access, at);
  const std::optional<TensorMap> map = decode_tensor_map(bytes.data);
  if (!map)
    fault(warp, at, lane, "there is no tensor map (made by cuTensorMapEncodeTiled) at the address");
  if (map->rank != dims) {
    fault(warp, at, lane,
          fmt::format("a {}d copy with the map of a {}d tensor", dims, int{map->rank}));
  }
  if (map->interleave != TensorInterleave::kNone) {
    fault(warp, at, lane, "interleaved tensors are not simulated");
  }
  if (map->element >= TensorElement::kF32Ftz && map->element <= TensorElement::kTf32Ftz) {
    fault(warp, at, lane, "tensor copies that flush or round to TF32 are not simulated");
  }
  return *map;
}

// .shared::cta, or with `remote` .shared::cluster too.
std::uint32_t box_address(Warp& warp, const Instruction& at, const TensorForm& form, bool remote,
                          int lane) {
  const std::uint32_t address = remote ? shared_address(warp, at, form.shared, lane)
                                       : own_shared_address(warp, at, form.shared, lane);
  if (address % kSharedAlignment != 0) {
    warp.block.fault(
        Check::kMisaligned, warp.first_thread() + lane, at,
        fmt::format("a box at offset {} of shared memory, which is not a multiple of {}",
                    (address & ((1u << kSharedOffsetBits) - 1)) - kSharedBase, kSharedAlignment));
  }
  return address;
}

std::vector<BoxRow> rows_of(Warp& warp, const TensorForm& form, const TensorMap& map, int lane) {
  std::int32_t coordinates[kMostTensorDims] = {};
  for (int dim = 0; dim < form.dims; ++dim) {
    coordinates[dim] =
        static_cast<std::int32_t>(warp.value<std::uint32_t>(form.coordinates[dim])[lane]);
  }
  return box_rows(map, coordinates);
}

// The box in shared memory as located bytes: at once where it is one range, chunk by chunk
// elsewhere.
class SharedBox {
 public:
  SharedBox(BulkTransfer& transfer, const TensorMap& map, std::uint32_t address, bool is_source,
            bool whole)
      : transfer_(transfer), map_(map), address_(address), is_source_(is_source), whole_(whole) {
    if (whole) located_ = locate(address, map.box_bytes(), 1);
  }

  // Calls each(located, offset there, begin in the box, bytes).
  template <class Each>
  void for_pieces(std::uint32_t begin, std::uint32_t bytes, Each&& each) {
    for (const BoxPiece& piece : box_pieces(map_, address_, begin, bytes)) {
      if (whole_) {
        each(located_, piece.shared - address_, piece.begin, piece.bytes);
      } else {
        each(locate(piece.shared, piece.bytes, 1), 0, piece.begin, piece.bytes);
      }
    }
  }

 private:
  Located locate(std::uint32_t address, std::uint32_t bytes, std::uint32_t alignment) {
    return is_source_ ? transfer_.source(address, ptx::Space::kShared, bytes, alignment)
                      : transfer_.destination(address, ptx::Space::kShared, bytes, alignment);
  }
  BulkTransfer& transfer_;
  const TensorMap& map_;
  std::uint32_t address_;
  bool is_source_;
  bool whole_;
  Located located_;
};

void add_load(BulkTransfer& transfer, const TensorMap& map, const std::vector<BoxRow>& rows,
              const std::vector<Located>& sources, std::uint32_t address) {
  SharedBox box(transfer, map, address, false, fills_its_range(map));
  const auto fill = [&](const Located& to, std::uint32_t at, std::uint32_t, std::uint32_t bytes) {
    transfer.add_fill(to, at, bytes);
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const BoxRow& row = rows[i];
    const std::uint32_t first = row.begin + row.before;
    box.for_pieces(row.begin, row.before, fill);
    box.for_pieces(
        first, row.inside,
        [&](const Located& to, std::uint32_t at, std::uint32_t begin, std::uint32_t bytes) {
          transfer.add(to, at, sources[i], begin - first, bytes);
        });
    box.for_pieces(first + row.inside, row.after, fill);
  }
}

void start_load(Warp& warp, const Instruction& at, const TensorForm& form, int lane) {
  const TensorMap map = read_map(warp, at, form.map, form.dims, lane);
  const int thread = warp.first_thread() + lane;
  auto transfer = std::make_shared<BulkTransfer>(warp.block, thread, at, BulkReduction{}, false);
  transfer->set_fill(fill_pattern(map));
  const std::uint32_t to = box_address(warp, at, form, !form.way.own_destination, lane);
  const std::uint32_t mbarrier = shared_address(warp, at, form.mbarrier, lane);
  std::vector<std::uint32_t> destinations = {to}, mbarriers = {mbarrier};
  if (form.mask != kNoReg) {
    const std::uint32_t mask = warp.value<std::uint32_t>(form.mask)[lane] & 0xffff;
    destinations = multicast_addresses(warp, at, lane, to, mask);
    mbarriers = multicast_addresses(warp, at, lane, mbarrier, mask);
  } else {
    std::uint32_t offset = 0;
    if (&warp.block.block_of(to, &offset) != &warp.block.block_of(mbarrier, &offset)) {
      fault(warp, at, lane,
            "the mbarrier does not lie in the same block's shared memory as the destination");
    }
  }
  const std::vector<BoxRow> rows = rows_of(warp, form, map, lane);
  std::vector<Located> sources(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].inside == 0) continue;
    sources[i] = transfer->source(rows[i].address, ptx::Space::kGlobal, rows[i].inside, 1);
  }
  for (const std::uint32_t destination : destinations) {
    add_load(*transfer, map, rows, sources, destination);
  }
  transfer->start_for_mbarriers(std::move(mbarriers), map.box_bytes());
}

ptx::Type type_of(TensorElement element, AtomicName reduction) {
  const bool bitwise = reduction == AtomicName::kAnd || reduction == AtomicName::kOr ||
                       reduction == AtomicName::kXor;
  switch (element) {
    case TensorElement::kU32:
      return ptx::parse_type(bitwise ? "b32" : "u32");
    case TensorElement::kS32:
      return ptx::parse_type(bitwise ? "b32" : "s32");
    case TensorElement::kU64:
      return ptx::parse_type(bitwise ? "b64" : "u64");
    case TensorElement::kS64:
      return ptx::parse_type(bitwise ? "b64" : "s64");
    case TensorElement::kF16:
      return ptx::parse_type("f16");
    case TensorElement::kBf16:
      return ptx::parse_type("bf16");
    case TensorElement::kF32:
      return ptx::parse_type("f32");
    default:
      return ptx::parse_type("b8");  // reduces nothing
  }
}

BulkReduction reduction_of(Warp& warp, const Instruction& at, const TensorForm& form,
                           const TensorMap& map, int lane) {
  if (!form.reduces) return {};
  const auto reduction = bulk_reduction(form.reduction, type_of(map.element, form.reduction));
  if (!reduction) fault(warp, at, lane, "the tensor's data type has no such reduction");
  return *reduction;
}

void start_store(Warp& warp, const Instruction& at, const TensorForm& form, int lane) {
  const TensorMap map = read_map(warp, at, form.map, form.dims, lane);
  const int thread = warp.first_thread() + lane;
  auto transfer = std::make_shared<BulkTransfer>(warp.block, thread, at,
                                                 reduction_of(warp, at, form, map, lane), true);
  const std::vector<BoxRow> rows = rows_of(warp, form, map, lane);
  bool whole = fills_its_range(map);
  for (const BoxRow& row : rows) whole = whole && row.before == 0 && row.after == 0;
  SharedBox box(*transfer, map, box_address(warp, at, form, false, lane), true, whole);
  for (const BoxRow& row : rows) {
    if (row.inside == 0) continue;  // elements outside the tensor are not stored
    const Located to = transfer->destination(row.address, ptx::Space::kGlobal, row.inside, 1);
    const std::uint32_t first = row.begin + row.before;
    box.for_pieces(first, row.inside,
                   [&](const Located& from, std::uint32_t at, std::uint32_t begin,
                       std::uint32_t bytes) { transfer->add(to, begin - first, from, at, bytes); });
  }
  warp.block.part<BulkGroups>().add(thread, transfer);
  transfer->start_for_group();
}

}  // namespace

Outcome run_tensor_copy(Warp& warp, const Instruction& at, LaneMask lanes) {
  const auto& form = at.as<TensorForm>();
  need_defined(warp, at, lanes, form.shared.base, "the shared address of a tensor copy");
  need_defined(warp, at, lanes, form.map.base, "the address of a tensor map");
  for (int dim = 0; dim < form.dims; ++dim) {
    need_defined(warp, at, lanes, form.coordinates[dim], "a coordinate of a tensor copy");
  }
  for_each_lane(lanes, [&](int lane) {
    if (form.way.direction == BulkDirection::kSharedToGlobal) {
      start_store(warp, at, form, lane);
    } else {
      start_load(warp, at, form, lane);
    }
  });
  return Outcome::kNext;
}

Outcome run_tensor_prefetch(Warp& warp, const Instruction& at, LaneMask lanes) {
  const auto& form = at.as<TensorForm>();
  for_each_lane(lanes, [&](int lane) { read_map(warp, at, form.map, form.dims, lane); });
  return Outcome::kNext;
}

}  // namespace moe::simt
