// Compiled at configure time only: what it leaves undefined is the ABI between nvcc's objects and
// the runtime. One of each thing that is registered or launched.
__device__ int variable;
__constant__ float table[4];
__managed__ int managed = 7;

template <class T>
__global__ void kernel(T* out, int n) {
  extern __shared__ int dynamic[];
  if (threadIdx.x == 0) dynamic[0] = managed;
  if (threadIdx.x == 0 && n > 0) out[0] = table[n & 3] + variable + dynamic[0];
}

void launch(float* out) { kernel<float><<<1, 32, 16>>>(out, managed); }
