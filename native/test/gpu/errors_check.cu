// Provokes errors of a real CUDA runtime, each in a process of its own, and looks at what native/cuda makes of them.
//   errors_check               all of them
//   errors_check device        only the first contact with the GPU, which must succeed
//   errors_check contact WHAT  only the first contact with the GPU, which must fail: for devices hidden from outside
//   errors_check CASE          one of them; for the program itself
#include <cuda_runtime.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cassert>
#include <cstdlib>
#include <cstring>
#include <string>

#include "cuda/runtime.h"
#include "report.h"

namespace fastsamd::gpu {

cudaError_t LaunchForAnotherGpu();

namespace {

__global__ void ReadKernel(const int* address, int* to) { *to = *address; }
__global__ void TrapKernel() { __trap(); }
__global__ void AssertKernel(int one) { assert(one == 2); }
__global__ void NoKernel() {}

const char* NameOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kEngineUnavailable:
      return "ENGINE_UNAVAILABLE";
    case ErrorCode::kEngineLost:
      return "ENGINE_LOST";
    case ErrorCode::kEngineFailed:
      return "ENGINE_FAILED";
    case ErrorCode::kOutOfMemory:
      return "OUT_OF_MEMORY";
    default:
      return "another code";
  }
}

/// What a frame's first and last calls would say: the launch, and the wait for it.
cudaError_t Waited(cudaError_t launched) { return launched != cudaSuccess ? launched : cudaDeviceSynchronize(); }

cudaError_t Provoke(const std::string& name) {
  int* memory = nullptr;
  if (const cudaError_t first = cudaMalloc(&memory, 64); first != cudaSuccess) return first;
  if (name == "illegal-address") {
    ReadKernel<<<1, 1>>>(nullptr, memory);
  } else if (name == "misaligned-address") {
    ReadKernel<<<1, 1>>>(reinterpret_cast<const int*>(reinterpret_cast<uintptr_t>(memory) + 1), memory);
  } else if (name == "trap") {
    TrapKernel<<<1, 1>>>();
  } else if (name == "assert") {
    AssertKernel<<<1, 1>>>(1);
  } else if (name == "too-many-threads") {
    NoKernel<<<1, 4096>>>();
  } else if (name == "another-gpu") {
    return Waited(LaunchForAnotherGpu());
  } else if (name == "no-memory") {
    void* all = nullptr;
    return cudaMalloc(&all, size_t{1} << 50);
  } else if (name == "no-pinned-memory") {
    void* all = nullptr;
    return cudaHostAlloc(&all, size_t{1} << 50, cudaHostAllocMapped);
  } else if (name == "wrong-pointer") {
    int value = 0;
    return cudaMemcpy(&value, reinterpret_cast<const void*>(uintptr_t{16}), 4, cudaMemcpyDeviceToDevice);
  }
  return Waited(cudaGetLastError());
}

/// In a child: provokes, and says what comes of it.
int RunCase(const std::string& name, const std::string& expected) {
  const cudaError_t code = Provoke(name);
  const Status status = cuda::Check(code, "provoking");
  const std::string got = status.ok() ? "no error" : NameOf(status.error().code);
  // What the process is good for afterwards is what the class must say.
  int* memory = nullptr;
  const bool works = cudaMalloc(&memory, 64) == cudaSuccess && cudaMemset(memory, 0, 64) == cudaSuccess &&
                     cudaDeviceSynchronize() == cudaSuccess && cudaGetLastError() == cudaSuccess;
  const bool lost = got == "ENGINE_LOST";
  Expect(got == expected && works == !lost, "error: " + name,
         Text("%d %s -> %s, the process %s", static_cast<int>(code), cudaGetErrorName(code), got.c_str(),
              works ? "goes on" : "is done"));
  return Finish();
}

/// The first contact fails for a reason outside of the process: ENGINE_UNAVAILABLE with advice.
int Contact(const std::string& what) {
  const Result<cuda::Device> device = cuda::QueryDevice();
  const bool unavailable = !device.ok() && device.error().code == ErrorCode::kEngineUnavailable;
  Expect(unavailable, "first contact: " + what, device.ok() ? "the GPU is there" : device.error().message);
  return Finish();
}

/// The GPU as QueryDevice finds it.
int Describe() {
  const Result<cuda::Device> found = cuda::QueryDevice();
  if (!Expect(found.ok(), "first contact", found.ok() ? "" : found.error().message)) return Finish();
  const cuda::Device& device = found.value();
  Note(device.name,
       Text("compute capability %d.%d, CUDA runtime %d, %s memory, %.1f of %.1f GB free", device.compute_major,
            device.compute_minor, device.runtime_version, device.integrated ? "shared" : "its own",
            static_cast<double>(device.free_bytes) / 1e9, static_cast<double>(device.total_bytes) / 1e9));
  return Finish();
}

/// A child that was forked after the parent's first contact.
int Forked() {
  if (!cuda::QueryDevice().ok()) return 2;
  const pid_t child = fork();
  if (child == 0) _exit(Contact("a process forked after the parent's contact"));
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

int RunSelf(const char* first, const char* second, const char* devices) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    if (devices != nullptr) setenv("CUDA_VISIBLE_DEVICES", devices, 1);
    // A failed assertion of a kernel is written there.
    if (std::strcmp(first, "assert") == 0) static_cast<void>(!freopen("/dev/null", "w", stderr));
    execl("/proc/self/exe", "errors_check", first, second, nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) <= 1) return WEXITSTATUS(status);
  Expect(false, std::string("error: ") + first, Text("the process ended with status %d", status));
  return 1;
}

int All() {
  int failed = RunSelf("contact", "no GPU visible", "-1");
  failed += RunSelf("forked", "", nullptr);
  const std::pair<const char*, const char*> cases[] = {
      {"illegal-address", "ENGINE_LOST"}, {"misaligned-address", "ENGINE_LOST"}, {"trap", "ENGINE_LOST"},
      {"assert", "ENGINE_LOST"},          {"too-many-threads", "ENGINE_FAILED"}, {"another-gpu", "ENGINE_UNAVAILABLE"},
      {"no-memory", "OUT_OF_MEMORY"},     {"no-pinned-memory", "OUT_OF_MEMORY"}, {"wrong-pointer", "ENGINE_FAILED"}};
  for (const auto& [name, expected] : cases) failed += RunSelf(name, expected, nullptr);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace fastsamd::gpu

int main(int argc, char** argv) {
  using namespace fastsamd::gpu;
  if (argc < 2) return All();
  const std::string first = argv[1];
  if (first == "device") return Describe();
  if (argc < 3) return 2;
  if (first == "contact") return Contact(argv[2]);
  if (first == "forked") return Forked();
  return RunCase(first, argv[2]);
}
