// Comparing what two ways of decoding found.
#pragma once

#include "core/segments.h"

namespace fastsamd::test {

/// Expects the same size, objects and runs, bit for bit.
void ExpectEqual(const Segments& got, const Segments& expected);

}  // namespace fastsamd::test
