#pragma once

#include <cstdint>

#include "nvmm/surface_abi.h"

// Stand-ins for libnvbufsurface and for the CUDA driver's EGL interop, in one library (nvmm.cc) that tests name by
// FASTSAMD_NVBUFSURFACE_LIBRARY and FASTSAMD_CUDA_DRIVER_LIBRARY. A picture has memory of the device's; the processor
// sees a copy that is as old as its last NvBufSurfaceSyncForCpu.
//   FASTSAMD_STANDIN_NVMM_FAULT    map, sync, egl, register, frame, read: the call that fails; array, small: what CUDA
//                                  sees in place of rows of the right size; skew: it sees other pixels
//   FASTSAMD_STANDIN_NVMM_REPORT   a file to which the counts are written as JSON when the process ends

extern "C" {

/// A picture of this color format and layout, whose rows are 256 bytes apart or a multiple of that.
fastsamd::nvmm::abi::Surface* StandinSurfaceCreate(uint32_t width, uint32_t height, uint32_t format, uint32_t layout);
void StandinSurfaceDestroy(fastsamd::nvmm::abi::Surface* surface);

/// Where the device has plane `plane`.
uint8_t* StandinSurfacePlane(fastsamd::nvmm::abi::Surface* surface, uint32_t plane);

/// A count by its name: surfaces, maps, eglImages, resources (those there are now); mapped, synced, registered (so
/// far); misuses (undone twice, freed while mapped).
int StandinNvmmCount(const char* name);
}
