#pragma once

// What a kernel computes per element is an inline function of these headers, compiled for the GPU by nvcc and for the
// host by any compiler: the host's version is what the tests compare with native/core. The GPU's version is compiled
// with -fmad=false, so both round alike.

#ifdef __CUDACC__
#define FASTSAMD_DEVICE __host__ __device__ inline
#else
#define FASTSAMD_DEVICE inline
#endif
