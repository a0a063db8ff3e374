// native/nvmm on the stand-ins for libnvbufsurface and the CUDA driver.
#include "nvmm/surface.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>
#include <vector>

#include "standin/nvmm.h"

namespace fastsamd::nvmm {
namespace {

struct Destroy {
  void operator()(abi::Surface* surface) const { StandinSurfaceDestroy(surface); }
};
using Buffer = std::unique_ptr<abi::Surface, Destroy>;

Buffer MakeBuffer(uint32_t format, uint32_t width = 70, uint32_t height = 34, uint32_t layout = abi::kPitchLinear) {
  Buffer buffer(StandinSurfaceCreate(width, height, format, layout));
  const abi::PlaneParams& planes = buffer->pictures[0].planes;
  for (uint32_t k = 0; k < planes.planes; ++k) {
    uint8_t* plane = StandinSurfacePlane(buffer.get(), k);
    for (uint32_t i = 0; i < planes.size[k]; ++i) plane[i] = static_cast<uint8_t>(i * 7 + k * 31);
  }
  return buffer;
}

Result<std::unique_ptr<Surface>> Map(const Buffer& buffer) { return Surface::Map(buffer.get(), sizeof(*buffer)); }

class NvmmSurface : public testing::Test {
 protected:
  void SetUp() override { Fail(""); }
  void TearDown() override {
    for (const char* live : {"surfaces", "maps", "eglImages", "resources", "misuses"}) {
      EXPECT_EQ(StandinNvmmCount(live), 0) << live;
    }
    Fail("");
  }
  static void Fail(const char* call) { setenv("FASTSAMD_STANDIN_NVMM_FAULT", call, 1); }
};

TEST_F(NvmmSurface, IsSeenByTheProcessorAndByTheGpu) {
  for (const uint32_t format : {abi::kNv12, abi::kYuv420, abi::kRgba}) {
    const Buffer buffer = MakeBuffer(format);
    const auto surface = Map(buffer);
    ASSERT_TRUE(surface.ok()) << surface.error().message;
    const ImageView cpu = surface.value()->ForCpu().value();
    const Result<ImageView> gpu = surface.value()->ForGpu();
    ASSERT_TRUE(gpu.ok()) << gpu.error().message;
    EXPECT_EQ(cpu.width, 70);
    EXPECT_EQ(cpu.height, 34);
    EXPECT_EQ(gpu.value().strides, cpu.strides);
    for (uint32_t k = 0; k < buffer->pictures[0].planes.planes; ++k) {
      EXPECT_EQ(gpu.value().planes[k], StandinSurfacePlane(buffer.get(), k));
      EXPECT_NE(cpu.planes[k], gpu.value().planes[k]);
      EXPECT_EQ(cpu.planes[k][cpu.strides[k] + 5], gpu.value().planes[k][cpu.strides[k] + 5]);
    }
  }
}

TEST_F(NvmmSurface, VBeforeUIsReadAsUBeforeV) {
  const Buffer buffer = MakeBuffer(abi::kYvu420);
  const auto surface = Map(buffer);
  const ImageView cpu = surface.value()->ForCpu().value();
  const ImageView gpu = surface.value()->ForGpu().value();
  EXPECT_EQ(gpu.format, PixelFormat::kI420);
  EXPECT_EQ(gpu.planes[1], StandinSurfacePlane(buffer.get(), 2));
  EXPECT_EQ(gpu.planes[2], StandinSurfacePlane(buffer.get(), 1));
  EXPECT_EQ(cpu.planes[1][3], gpu.planes[1][3]);
}

TEST_F(NvmmSurface, EveryNewPictureIsSeen) {
  const Buffer buffer = MakeBuffer(abi::kNv12);
  const auto surface = Map(buffer);
  const ImageView view = surface.value()->ForCpu().value();
  StandinSurfacePlane(buffer.get(), 0)[0] = 99;
  EXPECT_NE(view.planes[0][0], 99);
  EXPECT_EQ(surface.value()->ForCpu().value().planes[0][0], 99);
}

TEST_F(NvmmSurface, TheFormatNamesMatrixAndRange) {
  using Colors = std::optional<std::pair<ColorMatrix, ColorRange>>;
  const auto colors = [](uint32_t format) {
    const Buffer buffer = MakeBuffer(format);
    return Map(buffer).value()->colors();
  };
  EXPECT_EQ(colors(abi::kNv12), Colors());
  EXPECT_EQ(colors(abi::kYuv420), Colors());
  EXPECT_EQ(colors(abi::kYvu420), Colors());
  EXPECT_EQ(colors(abi::kRgba), Colors());
  EXPECT_EQ(colors(abi::kNv12Er), Colors({ColorMatrix::kBt601, ColorRange::kFull}));
  EXPECT_EQ(colors(abi::kYuv420Er), Colors({ColorMatrix::kBt601, ColorRange::kFull}));
  EXPECT_EQ(colors(abi::kYvu420Er), Colors({ColorMatrix::kBt601, ColorRange::kFull}));
  EXPECT_EQ(colors(abi::kNv12Bt709), Colors({ColorMatrix::kBt709, ColorRange::kLimited}));
  EXPECT_EQ(colors(abi::kYuv420Bt709), Colors({ColorMatrix::kBt709, ColorRange::kLimited}));
  EXPECT_EQ(colors(abi::kNv12Bt709Er), Colors({ColorMatrix::kBt709, ColorRange::kFull}));
  EXPECT_EQ(colors(abi::kYuv420Bt709Er), Colors({ColorMatrix::kBt709, ColorRange::kFull}));
  EXPECT_EQ(colors(abi::kNv12Bt2020), Colors({ColorMatrix::kBt2020, ColorRange::kLimited}));
  EXPECT_EQ(colors(abi::kYuv420Bt2020), Colors({ColorMatrix::kBt2020, ColorRange::kLimited}));
}

TEST_F(NvmmSurface, RefusesWhatIsNotPlainRows) {
  const auto refused = [](const Buffer& buffer) {
    const auto surface = Map(buffer);
    EXPECT_FALSE(surface.ok());
    EXPECT_EQ(surface.error().code, ErrorCode::kSourceUnsupported);
    return surface.error().message;
  };
  EXPECT_NE(refused(MakeBuffer(abi::kNv12, 70, 34, abi::kBlockLinear)).find("block linear"), std::string::npos);
  EXPECT_NE(refused(MakeBuffer(29)).find("color format 29"), std::string::npos);
  Buffer buffer = MakeBuffer(abi::kNv12);
  buffer->memory_type = 2;
  EXPECT_NE(refused(buffer).find("memory type 2"), std::string::npos);
  buffer = MakeBuffer(abi::kNv12);
  buffer->batch_size = 0;
  refused(buffer);
  buffer = MakeBuffer(abi::kNv12);
  buffer->pictures[0].planes.pitch[1] = 60;
  refused(buffer);
  buffer = MakeBuffer(abi::kNv12);
  buffer->pictures[0].planes.planes = 1;
  refused(buffer);
  buffer = MakeBuffer(abi::kNv12);
  buffer->pictures[0].width = 1U << 20;
  refused(buffer);
  buffer->pictures[0].width = 70;
  EXPECT_EQ(Surface::Map(buffer.get(), 8).error().code, ErrorCode::kSourceUnsupported);
  EXPECT_EQ(Surface::Map(nullptr, 64).error().code, ErrorCode::kSourceUnsupported);
}

/// Whatever fails on the way to CUDA, the processor reads the frame, the answer stays the same, and what was done is
/// undone.
TEST_F(NvmmSurface, EveryCallThatFailsLeavesTheFrameToTheProcessor) {
  for (const char* call : {"egl", "register", "frame", "read", "array", "small", "skew"}) {
    const Buffer buffer = MakeBuffer(abi::kNv12);
    const auto surface = Map(buffer);
    EXPECT_TRUE(surface.value()->ForCpu().ok());
    Fail(call);
    const Result<ImageView> refused = surface.value()->ForGpu();
    ASSERT_FALSE(refused.ok()) << call;
    EXPECT_EQ(refused.error().code, ErrorCode::kEngineFailed);
    Fail("");
    EXPECT_EQ(surface.value()->ForGpu().error().message, refused.error().message);
    EXPECT_TRUE(surface.value()->ForCpu().ok());
  }
  const Buffer buffer = MakeBuffer(abi::kNv12);
  Fail("map");
  EXPECT_EQ(Map(buffer).error().code, ErrorCode::kSourceUnsupported);
  Fail("");
  const auto surface = Map(buffer);
  Fail("sync");
  EXPECT_EQ(surface.value()->ForCpu().error().code, ErrorCode::kSourceCorrupt);
}

TEST_F(NvmmSurface, IsRegisteredOnceByManyThreads) {
  const Buffer buffer = MakeBuffer(abi::kNv12);
  const auto surface = Map(buffer);
  ASSERT_TRUE(surface.value()->ForCpu().ok());
  const int before = StandinNvmmCount("registered");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) EXPECT_TRUE(surface.value()->ForGpu().ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(StandinNvmmCount("registered"), before + 1);
}

}  // namespace
}  // namespace fastsamd::nvmm

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  // The driver that is absent, before it is there: a failure is tried again.
  setenv("FASTSAMD_CUDA_DRIVER_LIBRARY", "/nonexistent/libcuda.so.1", 1);
  setenv("FASTSAMD_NVBUFSURFACE_LIBRARY", "/nonexistent/libnvbufsurface.so", 1);
  using namespace fastsamd;
  if (nvmm::LoadSurfaceLibrary().error().code != ErrorCode::kSourceUnsupported) return 1;
  if (nvmm::Driver::Load().error().code != ErrorCode::kEngineUnavailable) return 1;
  setenv("FASTSAMD_CUDA_DRIVER_LIBRARY", STANDIN_NVMM, 1);
  setenv("FASTSAMD_NVBUFSURFACE_LIBRARY", STANDIN_NVMM, 1);
  return RUN_ALL_TESTS();
}
