#include "kernels/cpu/detail/page_buffer.h"

#include <sys/mman.h>

#include <new>

namespace moe::cpu {
namespace {

constexpr std::size_t kSmallPage = 4096;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::size_t whole_pages(std::size_t bytes) {
  const std::size_t page = bytes < kHugePage ? kSmallPage : kHugePage;
  return (bytes + page - 1) / page * page;
}

void* map(std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return memory;
}

// The system places mappings where it likes: one huge page more is mapped, and the ends given back.
void* map_at_huge_page(std::size_t bytes) {
  auto* const start = static_cast<std::byte*>(map(bytes + kHugePage));
  const auto past = reinterpret_cast<std::uintptr_t>(start) % kHugePage;
  const std::size_t before = past == 0 ? 0 : kHugePage - past;
  if (before > 0) munmap(start, before);
  if (before < kHugePage) munmap(start + before + bytes, kHugePage - before);
  madvise(start + before, bytes, MADV_HUGEPAGE);  // advice: refused where there are none
  return start + before;
}

}  // namespace

PageBuffer::PageBuffer(std::size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  const std::size_t whole = whole_pages(bytes);
  memory_ = {whole < kHugePage ? map(whole) : map_at_huge_page(whole), Unmap{whole}};
}

void PageBuffer::touch() const {
  for (std::size_t at = 0; at < bytes_; at += kSmallPage) {
    static_cast<volatile char*>(memory_.get())[at] = 0;
  }
}

void PageBuffer::Unmap::operator()(void* memory) const { munmap(memory, bytes); }

}  // namespace moe::cpu
