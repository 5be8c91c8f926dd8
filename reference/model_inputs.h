#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "reference/io/safetensors.h"

namespace moe::reference {

// The input tensors of a model, each fetched with the checks it needs. Every fault is a UserError
// that names the file, the tensor and the place in it.
class ModelInputs {
 public:
  // `main` is the tensor that sets B and S: [B, S], or [B, S, channels] where channels > 1. No
  // tensor may be there that is not `known`.
  ModelInputs(const std::filesystem::path& path, const std::string& main, std::int64_t channels,
              const std::vector<std::string>& known);

  std::int64_t batch() const { return batch_; }
  std::int64_t steps() const { return steps_; }
  bool has(const std::string& name) const { return file_.contains(name); }

  // Finite numbers, [B, S] or [B, S, channels].
  template <class Real>
  std::vector<Real> series(const std::string& name) const;
  // Weights >= 0 of which at least one is not 0, [B, S]. Empty where the tensor is absent.
  template <class Real>
  std::vector<Real> loss_mask(const std::string& name) const;
  // 0 and 1, at least one 1, [B, S]. Empty where the tensor is absent.
  std::vector<std::int64_t> attention_mask() const;
  // The same for generation, which goes on from the last column: that has to be all ones.
  std::vector<std::int64_t> attention_mask_for_generation() const;
  // Integers from 0 to `end` - 1, [B, S]; -100 too where `ignored` is allowed.
  std::vector<std::int64_t> ids(const std::string& name, std::int64_t end, bool ignored) const;

 private:
  void expect_shape(const std::string& name, const std::vector<std::int64_t>& shape) const;
  template <class Real>
  std::vector<Real> finite(const std::string& name) const;
  std::vector<std::int64_t> integers(const std::string& name) const;
  [[noreturn]] void fail(const std::string& name, const std::string& what) const;
  [[noreturn]] void fail_at(const std::string& name, std::size_t element, const std::string& found,
                            const std::string& expected) const;

  std::filesystem::path path_;
  SafetensorsFile file_;
  std::int64_t channels_ = 1;
  std::int64_t batch_ = 0;
  std::int64_t steps_ = 0;
};

}  // namespace moe::reference
