// setp set selp slct. Source: PTX ISA 9.0, "Comparison and Select Instructions".
#pragma once
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

void add_compare_opcodes(OpcodeTable& table);
void add_select_opcodes(OpcodeTable& table);

}  // namespace moe::simt
