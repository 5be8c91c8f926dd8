// Inputs that look random, and comparisons that NaN fails. A comparison gives an empty text when
// all is right, otherwise the first wrong element.
#pragma once
#include <cuda_bf16.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace moe::simt::cuda_tests {

// The same numbers everywhere (SplitMix64).
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  int below(int limit) { return static_cast<int>(bits() % static_cast<std::uint64_t>(limit)); }
  float uniform() { return static_cast<float>(bits() >> 40) / 8388608.0f - 1.0f; }  // [-1, 1)

  std::vector<int> integers(std::size_t count, int limit) {
    std::vector<int> out(count);
    for (int& x : out) x = below(limit);
    return out;
  }
  std::vector<float> floats(std::size_t count) {
    std::vector<float> out(count);
    for (float& x : out) x = uniform();
    return out;
  }
  std::vector<__nv_bfloat16> bfloats(std::size_t count) {
    std::vector<__nv_bfloat16> out(count);
    for (auto& x : out) x = __float2bfloat16(uniform());
    return out;
  }

 private:
  std::uint64_t state_;
};

inline double to_double(__nv_bfloat16 x) { return static_cast<double>(__bfloat162float(x)); }

// Element by element the same.
template <class T>
std::string same(const std::vector<T>& got, const std::vector<T>& want,
                 const char* what = "value") {
  if (got.size() != want.size()) return std::string(what).append(": wrong number of elements");
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!(got[i] == want[i])) {
      return std::string(what)
          .append(" [")
          .append(std::to_string(i))
          .append("] is ")
          .append(std::to_string(got[i]))
          .append(", not ")
          .append(std::to_string(want[i]));
    }
  }
  return {};
}

// |got - want| <= bound, one bound an element.
template <class T>
std::string near(const std::vector<T>& got, const std::vector<double>& want,
                 const std::vector<double>& bound, const char* what = "value") {
  if (got.size() != want.size()) return std::string(what).append(": wrong number of elements");
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::fabs(static_cast<double>(got[i]) - want[i]);
    if (!(error <= bound[i])) {
      return std::string(what)
          .append(" [")
          .append(std::to_string(i))
          .append("] is ")
          .append(std::to_string(static_cast<double>(got[i])))
          .append(", not ")
          .append(std::to_string(want[i]))
          .append(", off by more than ")
          .append(std::to_string(bound[i]));
    }
  }
  return {};
}

// The first complaint of several checks.
inline std::string first_of(std::initializer_list<std::string> complaints) {
  for (const std::string& complaint : complaints) {
    if (!complaint.empty()) return complaint;
  }
  return {};
}

// C[M,N] = A[M,K] B[N,K]^T in double, and for each element the sum of |a b|, of which the bound of
// any order of summation is a small multiple (Higham, Accuracy and Stability, section 3.1).
struct Product {
  std::vector<double> value, bound;
};

template <class A, class B, class ToDouble>
Product product(const A& a, const B& b, int m, int n, int k, double unit, ToDouble&& as_double) {
  Product out{std::vector<double>(static_cast<std::size_t>(m) * n),
              std::vector<double>(static_cast<std::size_t>(m) * n)};
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < n; ++j) {
      double sum = 0, magnitude = 0;
      for (int p = 0; p < k; ++p) {
        const double term = as_double(a[static_cast<std::size_t>(i) * k + p]) *
                            as_double(b[static_cast<std::size_t>(j) * k + p]);
        sum += term;
        magnitude += std::fabs(term);
      }
      out.value[static_cast<std::size_t>(i) * n + j] = sum;
      out.bound[static_cast<std::size_t>(i) * n + j] = k * unit * magnitude + 1e-30;
    }
  }
  return out;
}

inline constexpr double kFloatUnit = 1.0 / 16777216;  // 2^-24: half a unit in the last place of f32

}  // namespace moe::simt::cuda_tests
