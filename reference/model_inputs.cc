#include "reference/model_inputs.h"

#include <algorithm>
#include <cmath>

#include "kernels/contract/error.h"

namespace moe::reference {
namespace {

std::string in_brackets(const std::vector<std::int64_t>& numbers) {
  std::string text;
  for (const std::int64_t n : numbers) text += (text.empty() ? "" : ", ") + std::to_string(n);
  return "[" + text + "]";
}

bool is_integer(TensorType type) {
  return type == TensorType::kI64 || type == TensorType::kI32 || type == TensorType::kU8 ||
         type == TensorType::kBool;
}

}  // namespace

ModelInputs::ModelInputs(const std::filesystem::path& path, const std::string& main,
                         std::int64_t channels, const std::vector<std::string>& known)
    : path_(path), file_(path), channels_(channels) {
  for (const auto& [name, entry] : file_.entries()) {
    if (std::ranges::find(known, name) == known.end()) {
      fail(name, "is no input of this model" + did_you_mean(name, known) + ", expected " +
                     comma_separated(known));
    }
  }
  if (!file_.contains(main)) {
    throw UserError(path.string() + ": no tensor \"" + main + "\", expected it with shape [B, S]");
  }
  const auto& shape = file_.entries().at(main).shape;
  const bool right =
      channels == 1 ? shape.size() == 2 : shape.size() == 3 && shape.back() == channels;
  const bool empty = std::ranges::find(shape, 0) != shape.end();
  if (!right || empty) {
    const std::string last = channels == 1 ? "" : ", " + std::to_string(channels);
    fail(main, "has shape " + in_brackets(shape) + ", expected [B, S" + last +
                   "] with at least one sequence and one step");
  }
  batch_ = shape[0];
  steps_ = shape[1];
}

template <class Real>
std::vector<Real> ModelInputs::series(const std::string& name) const {
  auto shape = std::vector<std::int64_t>{batch_, steps_};
  if (channels_ > 1) shape.push_back(channels_);
  expect_shape(name, shape);
  return finite<Real>(name);
}

template <class Real>
std::vector<Real> ModelInputs::loss_mask(const std::string& name) const {
  if (!has(name)) return {};
  expect_shape(name, {batch_, steps_});
  const auto values = finite<Real>(name);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0) fail_at(name, i, std::to_string(values[i]), "weights that are not negative");
  }
  if (std::ranges::all_of(values, [](Real v) { return v == 0; })) {
    fail(name, "masks everything, expected at least one value that is not 0");
  }
  return values;
}

std::vector<std::int64_t> ModelInputs::attention_mask() const {
  const std::string name = "attention_mask";
  if (!has(name)) return {};
  expect_shape(name, {batch_, steps_});
  auto values = integers(name);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != 0 && values[i] != 1) fail_at(name, i, std::to_string(values[i]), "0 or 1");
  }
  if (std::ranges::find(values, 1) == values.end()) {
    fail(name, "masks everything, expected at least one 1");
  }
  return values;
}

std::vector<std::int64_t> ModelInputs::attention_mask_for_generation() const {
  const auto values = attention_mask();
  for (std::int64_t b = 0; b < batch_ && !values.empty(); ++b) {
    const std::size_t last = static_cast<std::size_t>((b + 1) * steps_ - 1);
    if (values[last] == 0) {
      fail_at("attention_mask", last, "0",
              "1 in the last column: generation goes on from there, so pad on the left");
    }
  }
  return values;
}

std::vector<std::int64_t> ModelInputs::ids(const std::string& name, std::int64_t end,
                                           bool ignored) const {
  expect_shape(name, {batch_, steps_});
  auto values = integers(name);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] >= 0 && values[i] < end) continue;
    if (ignored && values[i] == -100) continue;
    fail_at(name, i, std::to_string(values[i]),
            "0 to " + std::to_string(end - 1) + ", the vocabulary" +
                (ignored ? ", or -100 to leave it out" : ""));
  }
  return values;
}

void ModelInputs::expect_shape(const std::string& name,
                               const std::vector<std::int64_t>& shape) const {
  const auto& found = file_.entries().at(name).shape;
  if (found != shape) {
    fail(name, "has shape " + in_brackets(found) + ", expected " + in_brackets(shape));
  }
}

template <class Real>
std::vector<Real> ModelInputs::finite(const std::string& name) const {
  const TensorType type = file_.entries().at(name).type;
  if (is_integer(type)) {
    fail(name, "is " + std::string(to_string(type)) + ", expected F32");
  }
  auto values = file_.read(name).as<Real>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      fail_at(name, i, std::to_string(values[i]), "finite numbers");
    }
  }
  return values;
}

std::vector<std::int64_t> ModelInputs::integers(const std::string& name) const {
  const TensorType type = file_.entries().at(name).type;
  if (!is_integer(type)) fail(name, "is " + std::string(to_string(type)) + ", expected I64");
  return file_.read(name).as<std::int64_t>();
}

void ModelInputs::fail(const std::string& name, const std::string& what) const {
  throw UserError(path_.string() + ": tensor \"" + name + "\" " + what);
}

void ModelInputs::fail_at(const std::string& name, std::size_t element, const std::string& found,
                          const std::string& expected) const {
  std::vector<std::int64_t> place;
  const auto& shape = file_.entries().at(name).shape;
  auto rest = static_cast<std::int64_t>(element);
  for (auto d = shape.rbegin(); d != shape.rend(); ++d) {
    place.insert(place.begin(), rest % *d);
    rest /= *d;
  }
  fail(name, "holds " + found + " at " + in_brackets(place) + ", expected " + expected);
}

template std::vector<float> ModelInputs::series(const std::string&) const;
template std::vector<double> ModelInputs::series(const std::string&) const;
template std::vector<float> ModelInputs::loss_mask(const std::string&) const;
template std::vector<double> ModelInputs::loss_mask(const std::string&) const;

}  // namespace moe::reference
