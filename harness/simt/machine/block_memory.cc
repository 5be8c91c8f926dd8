// A block's accesses to memory: where the bytes are, and whether the access is allowed and ordered.
#include <fmt/format.h>

#include <cstring>

#include "harness/simt/machine/block.h"
#include "harness/simt/machine/launch.h"
#include "harness/simt/machine/warp.h"

namespace moe::simt {
namespace {

std::string_view verb(AccessKind kind) {
  switch (kind) {
    case AccessKind::kRead:
      return "reads";
    case AccessKind::kWrite:
      return "writes";
    case AccessKind::kAtomic:
      return "updates";
  }
  return "accesses";
}

Strength strength_of(Scope scope) {
  if (scope == Scope::kNone) return Strength::kWeak;
  return scope == Scope::kBlock ? Strength::kBlock : Strength::kDevice;
}

[[noreturn]] void fault_global(Block& block, int thread, std::uint64_t address, std::uint32_t bytes,
                               AccessKind kind, const Instruction& at) {
  const Allocation* near = block.launch.device.memory.find(address);
  if (address < 65536) {
    block.fault(Check::kOutOfBounds, thread, at,
                fmt::format("{} {} bytes at {:#x}: a null pointer", verb(kind), bytes, address));
  }
  const bool inside = near != nullptr && address < near->begin + near->bytes;
  if (inside && near->freed) {
    block.fault(
        Check::kUseAfterFree, thread, at,
        fmt::format("{} {} bytes at offset {} of an allocation of {} bytes ({}) that was freed",
                    verb(kind), bytes, address - near->begin, near->bytes, near->label));
  }
  if (near != nullptr && address < near->begin + near->bytes + (1u << 20)) {
    block.fault(Check::kOutOfBounds, thread, at,
                fmt::format("{} {} bytes at offset {} of an allocation of {} bytes ({})",
                            verb(kind), bytes, address - near->begin, near->bytes, near->label));
  }
  block.fault(
      Check::kOutOfBounds, thread, at,
      fmt::format("{} {} bytes at {:#x}, which is in no device allocation (a host pointer?)",
                  verb(kind), bytes, address));
}

}  // namespace

Block& Block::block_of(std::uint32_t shared_address, std::uint32_t* offset) {
  *offset = shared_address & ((1u << kSharedOffsetBits) - 1);
  const std::uint32_t tag = shared_address >> kSharedOffsetBits;
  if (tag == 0) return *this;
  if (tag > cluster.blocks.size())
    throw KernelFault("a shared address of a block outside the cluster");
  return *cluster.blocks[tag - 1];
}

Located Block::locate(int thread, std::uint64_t address, ptx::Space space, std::uint32_t bytes,
                      std::uint32_t alignment, AccessKind kind, const Instruction& at) {
  if (space == ptx::Space::kGeneric) {
    if (address >= kLocalWindow) {
      space = ptx::Space::kLocal;
      address -= kLocalWindow;
    } else if (address >= kSharedWindow) {
      space = ptx::Space::kShared;
      address -= kSharedWindow;
    }
  }
  if ((address & (alignment - 1)) != 0) {
    fault(Check::kMisaligned, thread, at,
          fmt::format("{} {} bytes at {:#x}, not a multiple of {}", verb(kind), bytes, address,
                      alignment));
  }
  Located located;
  located.space = space;
  switch (space) {
    case ptx::Space::kShared: {
      std::uint32_t offset = 0;
      if (static_cast<std::uint32_t>(address) >> kSharedOffsetBits > cluster.blocks.size()) {
        fault(Check::kOutOfBounds, thread, at,
              fmt::format("{} {} bytes at {:#x}: no block of the cluster has that shared address",
                          verb(kind), bytes, static_cast<std::uint32_t>(address)));
      }
      Block& owner = block_of(static_cast<std::uint32_t>(address), &offset);
      if (offset < kSharedBase || std::size_t{offset} + bytes > owner.shared.size()) {
        fault(Check::kOutOfBounds, thread, at,
              fmt::format("{} {} bytes at offset {} of shared memory, which has {} bytes",
                          verb(kind), bytes, static_cast<std::int64_t>(offset) - kSharedBase,
                          owner.shared.size() - kSharedBase));
      }
      if (&owner != this && owner.finished()) {
        fault(Check::kUseAfterFree, thread, at,
              fmt::format("{} shared memory of block rank {} of the cluster, which has exited",
                          verb(kind), owner.rank));
      }
      located.data = owner.shared.data() + offset;
      located.written = owner.shared_written.data() + offset;
      located.owner = &owner;
      located.shared_offset = offset;
      return located;
    }
    case ptx::Space::kLocal: {
      const std::size_t size = launch.kernel.local_bytes;
      if (address + bytes > size) {
        fault(Check::kOutOfBounds, thread, at,
              fmt::format("{} {} bytes at offset {} of {} bytes of local memory", verb(kind), bytes,
                          address, size));
      }
      Warp& warp = *warps[thread / kLanes];
      const std::size_t where = (thread % kLanes) * size + address;
      located.data = warp.local.data() + where;
      located.written = warp.local_written.data() + where;
      return located;
    }
    case ptx::Space::kParam: {
      // Entry parameters; their generic address is a host address inside the parameter block.
      const std::uint64_t begin = reinterpret_cast<std::uint64_t>(launch.parameters.data());
      if (address < begin) address += begin;
      if (address + bytes > begin + launch.parameters.size() || kind != AccessKind::kRead) {
        fault(Check::kOutOfBounds, thread, at,
              fmt::format("{} {} bytes at offset {} of the kernel's parameters ({} bytes)",
                          verb(kind), bytes, address - begin, launch.parameters.size()));
      }
      located.data = reinterpret_cast<std::byte*>(address);
      return located;
    }
    default:
      break;
  }
  const std::uint64_t parameters = reinterpret_cast<std::uint64_t>(launch.parameters.data());
  if (address - parameters < launch.parameters.size()) {
    return locate(thread, address, ptx::Space::kParam, bytes, alignment, kind, at);
  }
  Allocation* allocation = launch.last_allocation;
  if (allocation == nullptr || address - allocation->begin >= allocation->bytes) {
    allocation = launch.device.memory.find(address);
  }
  if (allocation == nullptr || allocation->freed || address < allocation->begin ||
      address + bytes > allocation->begin + allocation->bytes) {
    fault_global(*this, thread, address, bytes, kind, at);
  }
  launch.last_allocation = allocation;
  located.space = ptx::Space::kGlobal;
  located.data = reinterpret_cast<std::byte*>(address);
  located.written = allocation->written.data() + (address - allocation->begin);
  return located;
}

bool Block::locate_quickly(std::uint64_t address, ptx::Space space, std::uint32_t bytes,
                           Located* located) {
  if ((address & (bytes - 1)) != 0) return false;
  if (space == ptx::Space::kShared ||
      (address >= kSharedWindow && address < kLocalWindow && space == ptx::Space::kGeneric)) {
    const std::uint64_t offset = address & 0xffffffffu;
    if (offset < kSharedBase || offset + bytes > shared.size()) return false;
    *located = {shared.data() + offset, shared_written.data() + offset, ptx::Space::kShared, this,
                static_cast<std::uint32_t>(offset)};
    return true;
  }
  const Allocation* allocation = launch.last_allocation;
  if (address >= kSharedWindow || allocation == nullptr || space == ptx::Space::kLocal ||
      space == ptx::Space::kParam) {
    return false;
  }
  const std::uint64_t offset = address - allocation->begin;
  if (offset >= allocation->bytes || offset + bytes > allocation->bytes || allocation->freed)
    return false;
  *located = {reinterpret_cast<std::byte*>(address),
              const_cast<std::uint8_t*>(allocation->written.data()) + offset, ptx::Space::kGlobal,
              nullptr, 0};
  return true;
}

Conflict Block::order(const View& view, const Located& located, std::uint32_t bytes,
                      AccessKind kind, Scope scope, bool async_proxy, const Instruction& at) {
  Conflict found;
  const bool is_shared = located.space == ptx::Space::kShared;
  if (!launch.settings.check_races || (!is_shared && located.space != ptx::Space::kGlobal))
    return found;
  const std::uint64_t base =
      is_shared ? located.shared_offset : reinterpret_cast<std::uint64_t>(located.data);
  const Strength strength = strength_of(scope);
  const std::uint32_t first_operation =
      async_proxy && is_shared ? clocks.first_operation_slot() : 0;
  for (std::uint32_t done = 0; done < bytes;) {
    const std::uint64_t address = base + done;
    const std::uint32_t in_page = static_cast<std::uint32_t>(address % ShadowPage::kBytes);
    const std::uint32_t part = std::min(bytes - done, ShadowPage::kBytes - in_page);
    const auto visit = [&](ShadowPage& page) {
      return kind == AccessKind::kRead
                 ? page.read(view, in_page, part, strength, at.index, launch.generation,
                             first_operation)
                 : page.write(view, in_page, part, strength, at.index, launch.generation);
    };
    const Conflict conflict =
        is_shared ? visit(located.owner->shared_shadow[address / ShadowPage::kBytes])
                  : launch.grid.shadow.with_page(address, visit);
    if (conflict.found) found = conflict;
    done += part;
  }
  return found;
}

void Block::report_conflict(const Conflict& conflict, const View& view, const Located& located,
                            AccessKind kind, const Instruction& at) {
  const int thread = clocks.thread_of_slot(view.slot);
  const bool is_shared = located.space == ptx::Space::kShared;
  const std::string where =
      is_shared ? fmt::format("shared memory at offset {}", located.shared_offset - kSharedBase)
                : launch.device.memory.describe(reinterpret_cast<std::uint64_t>(located.data));
  if (conflict.unfenced) {
    report(Check::kProxyFence, thread, at,
           fmt::format("the async proxy reads {} that was written by ordinary stores with no "
                       "fence.proxy.async in between",
                       where),
           conflict.earlier);
    return;
  }
  const bool async = clocks.is_operation(conflict.earlier.slot) && conflict.earlier.block == linear;
  const bool copy = clocks.is_copy(conflict.earlier.slot) && conflict.earlier.block == linear;
  if (copy || async) {
    report(Check::kAsyncWait, thread, at,
           fmt::format(
               "{} {} that an asynchronous {} has {}, and whose end this thread has not waited "
               "for",
               verb(kind), where, copy ? "copy" : "operation",
               conflict.earlier_was_write ? "written" : "read"),
           conflict.earlier);
    return;
  }
  const Check check = is_shared ? Check::kSharedRace : Check::kGlobalRace;
  Finding finding =
      make_finding(check, thread, at,
                   fmt::format("{} {} that another thread has {} with nothing ordering the two",
                               verb(kind), where, conflict.earlier_was_write ? "written" : "read"));
  add_earlier(finding, conflict.earlier);
  // A plain read that only gives compare-and-swap its first guess: kept until its thread does that.
  const bool read_beside_atomic =
      kind == AccessKind::kRead && conflict.earlier.strength != Strength::kWeak;
  const bool atomic_beside_read = kind == AccessKind::kAtomic && !conflict.earlier_was_write &&
                                  conflict.earlier.strength == Strength::kWeak;
  const auto word = reinterpret_cast<std::uint64_t>(located.data) & ~3ull;
  if (read_beside_atomic) {
    launch.grid.guesses.add({word, view.block, view.slot}, std::move(finding));
  } else if (atomic_beside_read) {
    launch.grid.guesses.add({word, conflict.earlier.block, conflict.earlier.slot},
                            std::move(finding));
  } else {
    launch.record(std::move(finding));
  }
}

Bytes Block::access(int thread, const Access& access, const Instruction& at) {
  const View view = clocks.view(thread);
  return access_as(view, thread, access, at);
}

Bytes Block::access(const AsyncAgent& agent, const Access& access, const Instruction& at) {
  return access_as(agent.view, clocks.thread_of_slot(agent.view.slot), access, at);
}

Bytes Block::access_as(const View& view, int thread, const Access& access, const Instruction& at) {
  const Located located =
      locate(thread, access.address, access.space, access.bytes, access.alignment, access.kind, at);
  const Conflict conflict =
      order(view, located, access.bytes, access.kind, access.scope, access.async_proxy, at);
  if (conflict.found) report_conflict(conflict, view, located, access.kind, at);
  Bytes bytes;
  bytes.data = located.data;
  if (located.written != nullptr) {
    if (access.kind == AccessKind::kWrite) {
      std::memset(located.written, 1, access.bytes);
    } else {
      bytes.poisoned = std::memchr(located.written, 0, access.bytes) != nullptr;
    }
  }
  return bytes;
}

void Block::poison(std::uint64_t address, ptx::Space space, std::uint32_t bytes) {
  static const Instruction nowhere;
  const Located located = locate(0, address, space, bytes, 1, AccessKind::kWrite, nowhere);
  std::memset(located.data, 0xff, bytes);
  if (located.written != nullptr) std::memset(located.written, 0, bytes);
}

}  // namespace moe::simt
