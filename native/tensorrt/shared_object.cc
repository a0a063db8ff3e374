#include "tensorrt/shared_object.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <vector>

namespace fastsamd::tensorrt {
namespace {

/// The folders in which the object that holds this function looks for libraries, in order.
std::vector<std::string> SearchedFolders() {
  Dl_info self;
  void* handle = nullptr;
  if (dladdr(reinterpret_cast<void*>(&SearchedFolders), &self) != 0) {
    handle = dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  }
  // In a program, as opposed to a library, the name is not that of a loaded object.
  if (handle == nullptr) handle = dlopen(nullptr, RTLD_LAZY);
  if (handle == nullptr) return {};
  std::vector<std::string> folders;
  Dl_serinfo size;
  if (dlinfo(handle, RTLD_DI_SERINFOSIZE, &size) == 0) {
    std::vector<char> bytes(size.dls_size);
    auto* info = reinterpret_cast<Dl_serinfo*>(bytes.data());
    info->dls_size = size.dls_size;
    info->dls_cnt = size.dls_cnt;
    if (dlinfo(handle, RTLD_DI_SERINFO, info) == 0) {
      for (unsigned k = 0; k < info->dls_cnt; ++k) folders.emplace_back(info->dls_serpath[k].dls_name);
    }
  }
  dlclose(handle);
  return folders;
}

}  // namespace

std::string FindSharedObject(const std::string& name) {
  for (const std::string& folder : SearchedFolders()) {
    std::string path = folder;
    path += "/";
    path += name;
    struct stat found;
    if (stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode)) return path;
  }
  return {};
}

bool IsCutShort(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return false;
  const auto size = static_cast<uint64_t>(file.tellg());
  Elf64_Ehdr header;
  file.seekg(0);
  if (!file.read(reinterpret_cast<char*>(&header), sizeof header)) return false;
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64) return false;
  for (unsigned k = 0; k < header.e_phnum; ++k) {
    Elf64_Phdr segment;
    file.seekg(static_cast<std::streamoff>(header.e_phoff + k * uint64_t{header.e_phentsize}));
    if (!file.read(reinterpret_cast<char*>(&segment), sizeof segment)) return true;
    if (segment.p_type != PT_LOAD) continue;
    if (segment.p_offset > size || segment.p_filesz > size - segment.p_offset) return true;
  }
  return false;
}

}  // namespace fastsamd::tensorrt
