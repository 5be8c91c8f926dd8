#include "harness/simt/runtime/cubin.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "harness/simt/runtime/fatbin.h"

namespace moe::simt {
namespace {

using testing::ElementsAre;
using testing::Pair;

template <class T>
std::string as_bytes(const T& value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

// An ELF file with one symbol and the .nv.info bytes given.
std::string elf(const std::string& info) {
  const std::string names("\0.nv.info\0.symtab\0.strtab\0", 26);
  const std::string symbol_names("\0kernel\0", 8);
  Elf64_Sym symbol{};
  symbol.st_name = 1;
  const std::string symbols = as_bytes(Elf64_Sym{}) + as_bytes(symbol);
  std::string file(sizeof(Elf64_Ehdr), '\0');
  std::vector<Elf64_Shdr> sections(1);
  const auto add = [&](std::uint32_t name, std::uint32_t type, std::uint32_t link,
                       const std::string& bytes) {
    Elf64_Shdr section{};
    section.sh_name = name;
    section.sh_type = type;
    section.sh_link = link;
    section.sh_offset = file.size();
    section.sh_size = bytes.size();
    sections.push_back(section);
    file += bytes;
  };
  add(18, SHT_STRTAB, 0, names);  // 1
  add(18, SHT_STRTAB, 0, symbol_names);
  add(10, SHT_SYMTAB, 2, symbols);
  add(1, SHT_LOPROC, 3, info);
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_machine = 190;
  header.e_shoff = file.size();
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = static_cast<std::uint16_t>(sections.size());
  header.e_shstrndx = 1;
  std::memcpy(file.data(), &header, sizeof header);
  for (const Elf64_Shdr& section : sections) file += as_bytes(section);
  return file;
}

TEST(Cubin, TellsTheRegistersOfItsKernels) {
  // As in a hexdump of what ptxas makes: REGCOUNT of symbol 1 is 0x80, between attributes of other
  // kinds.
  const std::string info(
      "\x04\x11\x08\x00\x01\x00\x00\x00\x00\x00\x00\x00"
      "\x03\x50\x00\x00"
      "\x04\x2f\x08\x00\x01\x00\x00\x00\x80\x00\x00\x00",
      28);
  EXPECT_THAT(registers_of(elf(info)), ElementsAre(Pair("kernel", 128)));
}

TEST(Cubin, WithoutTheAttributeTellsNothing) { EXPECT_TRUE(registers_of(elf("")).empty()); }

TEST(Cubin, OtherFilesAreErrors) {
  EXPECT_THROW(
      registers_of(
          "not an ELF file, but long enough to hold the header of one, which has 64 bytes"),
      FatbinError);
  EXPECT_THROW(registers_of(""), FatbinError);
  std::string cut = elf("");
  cut.resize(cut.size() - 10);
  EXPECT_THROW(registers_of(cut), FatbinError);
}

}  // namespace
}  // namespace moe::simt
