#include "harness/simt/machine/function_decoder.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "harness/simt/execute/control.h"
#include "harness/simt/execute/memory_modifiers.h"
#include "harness/simt/machine/special_registers.h"

namespace moe::simt {
namespace {

class OneFunction final : public FunctionDecoder {
 public:
  OneFunction(KernelLayout& layout, const ptx::Function& function)
      : layout_(layout), function_(function), placed_(layout.placed(function)) {}

  void decode_all() {
    Kernel& kernel = layout_.kernel;
    const int begin = static_cast<int>(kernel.code.size());
    placed_.frame->begin = begin;
    std::vector<int> code_of_statement;
    for (const ptx::Instruction& statement : function_.body) {
      code_of_statement.push_back(static_cast<int>(kernel.code.size()));
      decode(statement);
    }
    code_of_statement.push_back(static_cast<int>(kernel.code.size()));
    kernel.code.push_back(return_instruction(function_.is_entry));
    complete(kernel.code.back());
    for (std::size_t i = begin; i < kernel.code.size(); ++i) {
      int& target = kernel.code[i].target;
      if (target >= 0) target = code_of_statement[target];
      if (auto* table = dynamic_cast<const BranchTable*>(kernel.code[i].extra.get())) {
        auto resolved = std::make_shared<BranchTable>(*table);
        for (int& entry : resolved->targets) entry = code_of_statement[entry];
        kernel.code[i].extra = std::move(resolved);
      }
    }
  }

  Reg source(const ptx::Operand& operand, ptx::Type type) override {
    switch (operand.kind) {
      case ptx::Operand::Kind::kRegister:
        return operand.negated ? negated(operand) : row_of(operand);
      case ptx::Operand::Kind::kImmediate:
        return immediate(operand, type);
      case ptx::Operand::Kind::kSpecial:
        return special(operand);
      case ptx::Operand::Kind::kSymbol: {
        if (const ptx::Function* function = layout_.program.function(operand.name)) {
          return layout_.constant(layout_.program.address_of(*function), 8);
        }
        const KernelLayout::Variable variable = variable_of(operand.name);
        std::uint64_t address = variable.address + operand.offset;
        if (variable.space == ptx::Space::kParam) {
          address += reinterpret_cast<std::uint64_t>(layout_.kernel.parameters.data());
        }
        return layout_.constant(address, type.total_bits() == 64 ? 8 : 4);
      }
      default:
        fail("an operand that has no value here");
    }
  }

  Reg destination(const ptx::Operand& operand) override {
    if (operand.kind == ptx::Operand::Kind::kSink) return scratch(16);
    if (operand.kind != ptx::Operand::Kind::kRegister || operand.negated) {
      fail("the result must go to a register");
    }
    return row_of(operand);
  }

  Reg zero() override { return layout_.kernel.special(Special::kZero); }
  Reg constant(std::uint64_t bits, int bytes) override { return layout_.constant(bits, bytes); }
  Reg scratch(int bytes) override { return layout_.row(std::max(1, bytes / 4)); }
  bool is_register(const ptx::Operand& operand) const override {
    return operand.kind == ptx::Operand::Kind::kRegister;
  }
  int register_bits(const ptx::Operand& operand) const override {
    if (operand.kind != ptx::Operand::Kind::kRegister) return 32;
    const ptx::Type& type = function_.registers[operand.reg].type;
    return type.kind == ptx::Type::Kind::kPredicate ? 0 : type.total_bits();
  }

  Address address(const ptx::Operand& operand) override {
    const ptx::Operand* base = &operand;
    std::int64_t offset = operand.offset;
    if (operand.kind == ptx::Operand::Kind::kAddress) {
      base = &operand.parts.at(0);
      offset += base->offset;
    }
    switch (base->kind) {
      case ptx::Operand::Kind::kRegister:
        return {row_of(*base), register_bits(*base) <= 32, offset};
      case ptx::Operand::Kind::kImmediate:
        return {zero(), true, offset + static_cast<std::int64_t>(base->bits)};
      case ptx::Operand::Kind::kSymbol: {
        const KernelLayout::Variable variable = variable_of(base->name);
        return {zero(), true, offset + static_cast<std::int64_t>(variable.address), variable.space};
      }
      default:
        fail("an address must be a register, a variable or a number");
    }
  }

  int label(const ptx::Operand& operand) override {
    const auto found = function_.labels.find(operand.name);
    if (operand.kind != ptx::Operand::Kind::kSymbol || found == function_.labels.end()) {
      fail("a label was expected");
    }
    return found->second;
  }

  [[noreturn]] void fail(const std::string& what) override {
    throw ptx::Error(
        fmt::format("{}:{}: {}: {}", layout_.program.module().name,
                    statement_ == nullptr ? function_.place.line : statement_->place.line, what,
                    statement_ == nullptr ? function_.name : statement_->text));
  }

  std::shared_ptr<const CallFrame> callee(const std::string& name) override {
    const ptx::Function* function = layout_.program.function(name);
    if (function == nullptr || !layout_.is_placed(*function)) {
      fail(fmt::format("the function {} has no body in this module", name));
    }
    return layout_.placed(*function).frame;
  }

  std::vector<std::pair<std::uint64_t, std::shared_ptr<const CallFrame>>> callees() override {
    std::vector<std::pair<std::uint64_t, std::shared_ptr<const CallFrame>>> all;
    for (const auto& [function, placed] : layout_.all_placed()) {
      if (!function->is_entry)
        all.emplace_back(layout_.program.address_of(*function), placed.frame);
    }
    return all;
  }

  CallFrame::Slot local_slot(const ptx::Operand& operand) override {
    const KernelLayout::Variable variable = variable_of(operand.name);
    if (variable.space != ptx::Space::kLocal) fail("a .param variable was expected");
    return {static_cast<int>(variable.address), variable.bytes};
  }

  bool in_entry() const override { return function_.is_entry; }

  const std::vector<std::string>& branch_targets(const std::string& name) override {
    const auto found = function_.branch_targets.find(name);
    if (found == function_.branch_targets.end()) fail("a .branchtargets list was expected");
    return found->second;
  }

 private:
  void decode(const ptx::Instruction& statement) {
    statement_ = &statement;
    const auto found = all_opcodes().find(statement.opcode);
    if (found == all_opcodes().end()) {
      fail(fmt::format("the opcode {} is unknown to the interpreter", statement.opcode));
    }
    Modifiers modifiers(statement);
    Instruction instruction = found->second(*this, statement, modifiers);
    if (modifiers.any_left()) {
      fail(fmt::format("{} with {} is unknown to the interpreter", statement.opcode,
                       modifiers.left()));
    }
    instruction.source = &statement;
    if (statement.guard >= 0) {
      instruction.guard = placed_.registers[statement.guard];
      instruction.guard_negated = statement.guard_negated;
    }
    complete(instruction);
    layout_.kernel.code.push_back(std::move(instruction));
    statement_ = nullptr;
  }

  void complete(Instruction& instruction) {
    for (Reg& source : instruction.src) {
      if (source == kNoReg) source = zero();
    }
    const auto* memory = dynamic_cast<const MemoryOperation*>(instruction.extra.get());
    instruction.strong = instruction.kind == InstructionClass::kAtomic ||
                         (memory != nullptr && memory->form.scope != Scope::kNone);
  }

  Reg row_of(const ptx::Operand& operand) {
    const Reg reg = placed_.registers[operand.reg];
    if (reg == kNoReg) fail("a register without a place");
    return reg;
  }

  // `!%p` as an operand: computed by an instruction of its own, just before.
  Reg negated(const ptx::Operand& operand) {
    Instruction instruction = negate_predicate(row_of(operand), scratch(0));
    instruction.source = statement_;
    complete(instruction);
    layout_.kernel.code.push_back(instruction);
    return instruction.dst;
  }

  Reg immediate(const ptx::Operand& operand, ptx::Type type) {
    std::uint64_t bits = operand.bits;
    const bool to_double = type.kind == ptx::Type::Kind::kFloat && type.bits == 64;
    const bool to_float = type.kind == ptx::Type::Kind::kFloat && type.bits == 32;
    if (operand.is_double && to_float) {
      bits = std::bit_cast<std::uint32_t>(static_cast<float>(std::bit_cast<double>(bits)));
    } else if (operand.is_float && to_double) {
      const float value = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
      bits = std::bit_cast<std::uint64_t>(static_cast<double>(value));
    }
    if (type.kind == ptx::Type::Kind::kPredicate) {
      return layout_.constant(bits != 0 ? kAllLanes : 0, 4);
    }
    const int width = type.total_bits();
    if (width > 0 && width < 64) bits &= (1ull << width) - 1;
    return layout_.constant(bits, width >= 64 ? 8 : 4);
  }

  Reg special(const ptx::Operand& operand) {
    if (operand.name == "WARP_SZ") return layout_.constant(kLanes, 4);
    const SpecialRegister found = find_special(operand.name);
    if (!found.reason.empty()) fail(found.reason);
    if (found.is_constant) return layout_.constant(found.value, 4);
    return layout_.kernel.special(found.which);
  }

  KernelLayout::Variable variable_of(const std::string& name) {
    const auto own = placed_.variables.find(name);
    if (own != placed_.variables.end()) return own->second;
    const Program::Symbol* symbol = layout_.program.symbol(name);
    if (symbol == nullptr) fail(fmt::format("{} is not defined in this module", name));
    std::uint64_t address = symbol->address;
    if (address == kDynamicSharedSymbol) address = layout_.kernel.dynamic_shared_at;
    return {symbol->space, address, static_cast<int>(symbol->bytes)};
  }

  KernelLayout& layout_;
  const ptx::Function& function_;
  const KernelLayout::Placed& placed_;
  const ptx::Instruction* statement_ = nullptr;
};

}  // namespace

void decode_function(KernelLayout& layout, const ptx::Function& function) {
  OneFunction(layout, function).decode_all();
}

}  // namespace moe::simt
