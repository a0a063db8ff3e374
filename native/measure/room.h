#pragma once

#include <cstddef>
#include <vector>

namespace fastsamd {

/// Makes room for `count` values; never gives it back.
template <typename Value>
void Reserve(std::vector<Value>& values, size_t count) {
  if (values.size() < count) values.resize(count);
}

}  // namespace fastsamd
