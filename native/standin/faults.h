#pragma once

#include <string>
#include <vector>

namespace fastsamd::standin {

/// Lets the calls named in `faults` fail: "cudaMalloc:3:2" makes the third cudaMalloc from now on answer with error 2
/// (of cudaError_t; a TensorRT call answers with nothing), "NAME:N:kill" ends the process there. Several are separated
/// by commas, an empty text is none. Without a call of this the environment variable FASTSAMD_STANDIN_FAULTS counts.
/// Also forgets a lost device.
void SetFaults(const std::string& faults);

/// What a call that is named here has to answer with: 0 for success.
int FaultOf(const char* call);

/// Notes the value that a call was given, and the values noted under a name since the last SetFaults.
void Record(const char* name, int value);
std::vector<int> RecordedOf(const std::string& name);

/// Calls of this name so far.
int CallsOf(const std::string& call);

}  // namespace fastsamd::standin
