// libFuzzer's entry: any bytes are read as PTX. Whatever they are, the parser ends with a module or
// with ptx::Error; libFuzzer and the sanitizers report anything else.
//   simt_fuzz_parser -max_total_time=60 -max_len=4096 CORPUS
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "harness/simt/ptx/syntax.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    moe::simt::ptx::parse({reinterpret_cast<const char*>(data), size}, "fuzz.ptx");
  } catch (const moe::simt::ptx::Error&) {
    // Refused, in words.
  }
  return 0;
}
