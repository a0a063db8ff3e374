#pragma once

#include <cmath>
#include <vector>

namespace fastsamd {

/// How far many measurements are from the truth.
struct Errors {
  std::vector<double> values;

  void Add(double error) {
    if (std::isfinite(error)) values.push_back(error);
  }
  double Mean() const {
    double sum = 0;
    for (const double v : values) sum += v;
    return sum / static_cast<double>(values.size());
  }
  double Deviation() const {
    const double mean = Mean();
    double sum = 0;
    for (const double v : values) sum += (v - mean) * (v - mean);
    return std::sqrt(sum / static_cast<double>(values.size()));
  }
};

}  // namespace fastsamd
