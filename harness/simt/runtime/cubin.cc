// Reads the ELF file that ptxas makes.
#include "harness/simt/runtime/cubin.h"

#include <elf.h>

#include <cstring>
#include <vector>

#include "harness/simt/runtime/fatbin.h"

namespace moe::simt {
namespace {

constexpr std::uint16_t kMachineCuda = 190;
// Attributes of .nv.info: a format byte, an attribute byte, then two bytes that are the value
// itself or, for format 4, the size of the value that follows.
constexpr std::uint8_t kSizedValue = 4;
constexpr std::uint8_t kRegisterCount = 0x2f;

template <class T>
T read(std::string_view bytes, std::uint64_t offset) {
  T value;
  if (offset > bytes.size() || sizeof value > bytes.size() - offset) {
    throw FatbinError("cubin: cut off");
  }
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::string_view section_bytes(std::string_view file, const Elf64_Shdr& section) {
  if (section.sh_type == SHT_NOBITS) return {};
  if (section.sh_offset > file.size() || section.sh_size > file.size() - section.sh_offset) {
    throw FatbinError("cubin: a section lies outside the file");
  }
  return file.substr(section.sh_offset, section.sh_size);
}

std::string text_at(std::string_view strings, std::uint64_t offset) {
  if (offset >= strings.size()) return {};
  const std::string_view rest = strings.substr(offset);
  return std::string(rest.substr(0, rest.find('\0')));
}

}  // namespace

std::map<std::string, int> registers_of(std::string_view cubin) {
  const auto header = read<Elf64_Ehdr>(cubin, 0);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_machine != kMachineCuda) {
    throw FatbinError("cubin: not a 64-bit CUDA ELF file");
  }
  std::vector<Elf64_Shdr> sections;
  for (int i = 0; i < header.e_shnum; ++i) {
    sections.push_back(
        read<Elf64_Shdr>(cubin, header.e_shoff + std::uint64_t(i) * header.e_shentsize));
  }
  if (header.e_shstrndx >= sections.size()) throw FatbinError("cubin: no section names");
  const std::string_view section_names = section_bytes(cubin, sections[header.e_shstrndx]);

  std::string_view symbols, symbol_names, info;
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type == SHT_SYMTAB && section.sh_link < sections.size()) {
      symbols = section_bytes(cubin, section);
      symbol_names = section_bytes(cubin, sections[section.sh_link]);
    }
    if (text_at(section_names, section.sh_name) == ".nv.info") info = section_bytes(cubin, section);
  }

  std::map<std::string, int> registers;
  for (std::uint64_t at = 0; at + 4 <= info.size();) {
    const auto format = read<std::uint8_t>(info, at);
    const auto attribute = read<std::uint8_t>(info, at + 1);
    const auto size = format == kSizedValue ? read<std::uint16_t>(info, at + 2) : std::uint16_t{0};
    if (format == kSizedValue && attribute == kRegisterCount && size == 8) {
      const auto symbol =
          read<Elf64_Sym>(symbols, read<std::uint32_t>(info, at + 4) * sizeof(Elf64_Sym));
      registers[text_at(symbol_names, symbol.st_name)] =
          static_cast<int>(read<std::uint32_t>(info, at + 8));
    }
    at += 4 + size;
  }
  return registers;
}

}  // namespace moe::simt
