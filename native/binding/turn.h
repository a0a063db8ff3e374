#pragma once

#include <memory>
#include <utility>

namespace fastsamd::binding {

/// The turn of one call at a state that serves one call at a time, whose `busy` only the JS thread reads and writes. A
/// job holds it: jobs go on the JS thread once they have settled, well or not, and the state is free then, not before.
template <typename State>
class Turn {
 public:
  explicit Turn(std::shared_ptr<State> state) : state_(std::move(state)) { state_->busy = true; }
  ~Turn() { state_->busy = false; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  State& state() const { return *state_; }

 private:
  const std::shared_ptr<State> state_;
};

}  // namespace fastsamd::binding
