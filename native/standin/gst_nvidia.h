#pragma once

#include <gst/gst.h>

#include <cstdlib>
#include <cstring>

// What the stand-ins for NVIDIA's GStreamer elements share; see gst_nvidia.cc.

constexpr const char* kNvmm = "memory:NVMM";

inline bool Is(const char* variable, const char* value) {
  const char* text = std::getenv(variable);
  return text != nullptr && std::strcmp(text, value) == 0;
}

inline void ForgetColours(GstStructure* structure) {
  gst_structure_remove_fields(structure, "colorimetry", "chroma-site", nullptr);
}

GType NvvidconvType();
