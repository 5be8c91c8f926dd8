#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <utility>

#include "kernels/contract/error.h"
#include "reference/io/header_json.h"
#include "reference/io/safetensors.h"
#include "reference/io/safetensors_header.h"

namespace moe::reference {
namespace {

// The file under a temporary name beside its own; gone again unless commit() was reached.
class PartialFile {
 public:
  explicit PartialFile(const std::filesystem::path& path)
      : path_(path), partial_(path.string() + ".partial." + std::to_string(getpid())) {
    out_.open(partial_, std::ios::binary | std::ios::trunc);
    if (!out_) {
      throw UserError(path_.string() +
                      ": cannot be written, does its folder exist and allow writing?");
    }
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  ~PartialFile() {
    std::error_code ignored;
    out_.close();
    if (!committed_) std::filesystem::remove(partial_, ignored);
  }

  void write(const void* bytes, std::size_t count) {
    out_.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(count));
    if (!out_) throw UserError(path_.string() + ": cannot be written, is the disk full?");
  }

  void commit() {
    out_.close();
    if (!out_) throw UserError(path_.string() + ": cannot be written, is the disk full?");
    std::error_code error;
    std::filesystem::rename(partial_, path_, error);
    if (error) throw UserError(path_.string() + ": cannot be written, " + error.message());
    committed_ = true;
  }

 private:
  std::filesystem::path path_;
  std::filesystem::path partial_;
  std::ofstream out_;
  bool committed_ = false;
};

}  // namespace

void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorSpec>& tensors,
                       const std::map<std::string, std::string>& metadata,
                       const std::function<Tensor(const std::string& name)>& make) {
  const std::string header = safetensors_header_text(tensors, metadata);
  const std::uint64_t length = header.size();
  PartialFile file(path);
  file.write(&length, sizeof length);
  file.write(header.data(), header.size());
  for (const auto& [name, spec] : tensors) {
    const Tensor tensor = make(name);
    if (tensor.type != spec.type || tensor.shape != spec.shape ||
        tensor.bytes.size() != stored_bytes(spec.type, spec.shape)) {
      throw std::logic_error("write_safetensors: tensor " + in_quotes(name) +
                             " is not of the promised type and shape");
    }
    file.write(tensor.bytes.data(), tensor.bytes.size());
  }
  file.commit();
}

void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::map<std::string, TensorSpec> specs;
  for (const auto& [name, tensor] : tensors) specs[name] = {tensor.type, tensor.shape};
  write_safetensors(path, specs, metadata,
                    [&](const std::string& name) { return tensors.at(name); });
}

}  // namespace moe::reference
