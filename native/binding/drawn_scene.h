#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "binding/job.h"
#include "binding/native_frame.h"
#include "binding/values.h"

namespace fastsamd::binding {

/// Room for a picture, RGB.
inline std::vector<uint8_t> RgbBuffer(int width, int height) {
  return std::vector<uint8_t>(size_t{3} * static_cast<size_t>(width) * static_cast<size_t>(height));
}

/// Picture `index` of a drawn scene, on the pool. `draw`: RenderShapes or RenderConveyor.
template <typename Options, typename Truth>
Napi::Value DrawScene(Napi::Env env, const char* name, int index, const Options& options,
                      void (*draw)(int, const Options&, uint8_t*, Truth*)) {
  return RunOnPool(
      env, name, {},
      [=]() -> Result<Pixels> {
        std::vector<uint8_t> rgb = RgbBuffer(options.width, options.height);
        draw(index, options, rgb.data(), nullptr);
        return OwnRgb(std::move(rgb), options.width, options.height);
      },
      [](Napi::Env in, Pixels pixels) { return NativeFrame::Make(in, std::move(pixels)); });
}

/// What is true about that picture: {labels, instances}. `describe` sets what only instances of this scene have.
template <typename Options, typename Truth, typename Instance>
Napi::Value DrawTruth(Napi::Env env, const char* name, int index, const Options& options,
                      void (*draw)(int, const Options&, uint8_t*, Truth*),
                      void (*describe)(Napi::Object, const Instance&)) {
  return RunOnPool(
      env, name, {},
      [=]() -> Result<Truth> {
        std::vector<uint8_t> rgb = RgbBuffer(options.width, options.height);
        Truth truth;
        draw(index, options, rgb.data(), &truth);
        return truth;
      },
      [describe](Napi::Env in, Truth truth) {
        const Napi::Object object = Napi::Object::New(in);
        object.Set("labels", ToTypedArray<Napi::Uint16Array>(in, std::move(truth.labels)));
        const Napi::Array instances = Napi::Array::New(in, truth.instances.size());
        for (uint32_t k = 0; k < truth.instances.size(); ++k) {
          const Instance& instance = truth.instances[k];
          const Napi::Object each = Napi::Object::New(in);
          each.Set("id", static_cast<double>(instance.id));
          describe(each, instance);
          const Napi::Array box = Napi::Array::New(in, 4);
          const int sides[] = {instance.x0, instance.y0, instance.x1, instance.y1};
          for (uint32_t i = 0; i < 4; ++i) box.Set(i, sides[i]);
          each.Set("box", box);
          each.Set("visiblePixels", instance.visible_pixels);
          each.Set("visibleFraction", instance.visible_fraction);
          instances.Set(k, each);
        }
        object.Set("instances", instances);
        return object;
      });
}

}  // namespace fastsamd::binding
