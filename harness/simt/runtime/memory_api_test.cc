// Rules of memory that need no kernel: who may free and copy what.
#include <cuda_runtime_api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "harness/simt/runtime/control.h"

namespace moe::simt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<Check> found() {
  std::vector<Check> checks;
  for (const Finding& finding : take_findings()) checks.push_back(finding.check);
  return checks;
}

class RuntimeMemory : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(cudaMalloc(&device_, 64), cudaSuccess); }
  void TearDown() override {
    EXPECT_EQ(cudaFree(device_), cudaSuccess);
    EXPECT_THAT(found(), IsEmpty());
    cudaGetLastError();
  }
  void* device_ = nullptr;
  char host_[64] = {};
};

TEST_F(RuntimeMemory, BytesGoThereAndBack) {
  for (int i = 0; i < 64; ++i) host_[i] = static_cast<char>(i);
  char back[64] = {};
  EXPECT_EQ(cudaMemcpy(device_, host_, 64, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(back, device_, 64, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_THAT(back, testing::ElementsAreArray(host_));
}

TEST_F(RuntimeMemory, ADoubleFreeIsFound) {
  void* other = nullptr;
  ASSERT_EQ(cudaMalloc(&other, 8), cudaSuccess);
  EXPECT_EQ(cudaFree(other), cudaSuccess);
  EXPECT_EQ(cudaFree(other), cudaErrorInvalidValue);
  EXPECT_THAT(found(), ElementsAre(Check::kDoubleFree));
}

TEST_F(RuntimeMemory, FreeingWhatWasNeverAllocatedIsFound) {
  EXPECT_EQ(cudaFree(host_), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(static_cast<char*>(device_) + 8), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeHost(device_), cudaErrorInvalidValue);
  EXPECT_THAT(found(), ElementsAre(Check::kBadArgument, Check::kBadArgument, Check::kBadArgument));
}

TEST_F(RuntimeMemory, FreeingNullIsFine) {
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(cudaFreeHost(nullptr), cudaSuccess);
}

TEST_F(RuntimeMemory, ACopyPastTheEndIsFound) {
  char large[65] = {};
  EXPECT_EQ(cudaMemcpy(device_, large, 65, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_THAT(found(), ElementsAre(Check::kOutOfBounds));
  EXPECT_EQ(cudaMemset(static_cast<char*>(device_) + 60, 0, 5), cudaErrorInvalidValue);
  EXPECT_THAT(found(), ElementsAre(Check::kOutOfBounds));
}

TEST_F(RuntimeMemory, ACopyOfTheWrongKindIsFound) {
  EXPECT_EQ(cudaMemcpy(host_, host_ + 32, 8, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(device_, host_, 8, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_THAT(found(), ElementsAre(Check::kBadArgument, Check::kBadArgument));
  EXPECT_EQ(cudaMemcpy(device_, host_, 8, static_cast<cudaMemcpyKind>(9)),
            cudaErrorInvalidMemcpyDirection);
}

TEST_F(RuntimeMemory, ACopyToFreedMemoryIsFound) {
  void* other = nullptr;
  ASSERT_EQ(cudaMalloc(&other, 8), cudaSuccess);
  EXPECT_EQ(cudaFree(other), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(other, host_, 8, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_THAT(found(), ElementsAre(Check::kUseAfterFree));
}

TEST_F(RuntimeMemory, DefaultKindTellsSidesByTheirAddresses) {
  host_[0] = 42;
  char back = 0;
  EXPECT_EQ(cudaMemcpy(device_, host_, 1, cudaMemcpyDefault), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(&back, device_, 1, cudaMemcpyDefault), cudaSuccess);
  EXPECT_EQ(back, 42);
}

TEST_F(RuntimeMemory, ReadingBackWhatNothingWroteIsFound) {
  EXPECT_EQ(cudaMemset(device_, 0, 63), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(host_, device_, 63, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_THAT(found(), IsEmpty());
  EXPECT_EQ(cudaMemcpy(host_, device_, 64, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_THAT(found(), ElementsAre(Check::kUninitialised));
}

TEST_F(RuntimeMemory, NeverWrittenBytesStaySoWhenCopiedOnTheDevice) {
  void* other = nullptr;
  ASSERT_EQ(cudaMalloc(&other, 64), cudaSuccess);
  EXPECT_EQ(cudaMemset(other, 0, 64), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(other, device_, 64, cudaMemcpyDeviceToDevice), cudaSuccess);
  EXPECT_THAT(found(), IsEmpty());
  EXPECT_EQ(cudaMemcpy(host_, other, 64, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_THAT(found(), ElementsAre(Check::kUninitialised));
  EXPECT_EQ(cudaFree(other), cudaSuccess);
}

TEST_F(RuntimeMemory, RowsOfAPitchedCopyKeepTheirDistance) {
  void* rows = nullptr;
  std::size_t pitch = 0;
  ASSERT_EQ(cudaMallocPitch(&rows, &pitch, 3, 2), cudaSuccess);
  EXPECT_EQ(pitch % 256, 0u);
  const char from[] = {'a', 'b', 'c', 'd', 'e', 'f'};
  char back[6] = {};
  EXPECT_EQ(cudaMemcpy2D(rows, pitch, from, 3, 3, 2, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemcpy2D(back, 3, rows, pitch, 3, 2, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_THAT(back, testing::ElementsAreArray(from));
  EXPECT_EQ(cudaMemcpy2D(back, 2, rows, pitch, 3, 2, cudaMemcpyDeviceToHost),
            cudaErrorInvalidPitchValue);
  EXPECT_EQ(cudaMemcpy2D(rows, pitch, from, 3, 3, 3, cudaMemcpyHostToDevice),
            cudaErrorInvalidValue);
  EXPECT_THAT(found(), ElementsAre(Check::kOutOfBounds));
  EXPECT_EQ(cudaFree(rows), cudaSuccess);
}

TEST_F(RuntimeMemory, PointersTellWhatTheyAre) {
  void* pinned = nullptr;
  void* managed = nullptr;
  ASSERT_EQ(cudaMallocHost(&pinned, 8), cudaSuccess);
  ASSERT_EQ(cudaMallocManaged(&managed, 8, cudaMemAttachGlobal), cudaSuccess);
  const auto type_of = [](const void* pointer) {
    cudaPointerAttributes attributes;
    EXPECT_EQ(cudaPointerGetAttributes(&attributes, pointer), cudaSuccess);
    return attributes.type;
  };
  EXPECT_EQ(type_of(device_), cudaMemoryTypeDevice);
  EXPECT_EQ(type_of(host_), cudaMemoryTypeUnregistered);
  EXPECT_EQ(type_of(pinned), cudaMemoryTypeHost);
  EXPECT_EQ(type_of(managed), cudaMemoryTypeManaged);
  EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
  EXPECT_EQ(cudaFree(managed), cudaSuccess);
}

TEST_F(RuntimeMemory, RegisteredMemoryIsTheDevicesUntilItIsNot) {
  std::vector<char> mine(100);
  void* device = nullptr;
  EXPECT_EQ(cudaHostGetDevicePointer(&device, mine.data(), 0), cudaErrorInvalidValue);
  EXPECT_EQ(cudaHostRegister(mine.data(), mine.size(), cudaHostRegisterDefault), cudaSuccess);
  EXPECT_EQ(cudaHostRegister(mine.data() + 50, 10, cudaHostRegisterDefault),
            cudaErrorHostMemoryAlreadyRegistered);
  EXPECT_EQ(cudaHostGetDevicePointer(&device, mine.data(), 0), cudaSuccess);
  EXPECT_EQ(device, mine.data());
  EXPECT_EQ(cudaHostUnregister(mine.data()), cudaSuccess);
  EXPECT_EQ(cudaHostUnregister(mine.data()), cudaErrorHostMemoryNotRegistered);
}

TEST_F(RuntimeMemory, ADeviceThatIsFullSaysSo) {
  void* all = nullptr;
  EXPECT_EQ(cudaMalloc(&all, std::size_t{1} << 50), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

}  // namespace
}  // namespace moe::simt
