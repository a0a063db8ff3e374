#pragma once

#include <napi.h>

namespace fastsamd::binding {

// The functions of the addon, one per file or pair. Their contract is NativeAddon in src/addon/addon.ts.

Napi::Value CreateFrame(const Napi::CallbackInfo& info);
Napi::Value RenderConveyor(const Napi::CallbackInfo& info);
Napi::Value ConveyorTruth(const Napi::CallbackInfo& info);
Napi::Value CropFrame(const Napi::CallbackInfo& info);
Napi::Value ClockSynced(const Napi::CallbackInfo& info);
Napi::Value QueryVideoDevice(const Napi::CallbackInfo& info);
Napi::Value QueryGpus(const Napi::CallbackInfo& info);
Napi::Value HasGstElement(const Napi::CallbackInfo& info);
Napi::Value HasDeviceMemory(const Napi::CallbackInfo& info);
Napi::Value RenderShapes(const Napi::CallbackInfo& info);
Napi::Value ShapesTruth(const Napi::CallbackInfo& info);
Napi::Value ToRgb(const Napi::CallbackInfo& info);
Napi::Value EncodeJpeg(const Napi::CallbackInfo& info);
Napi::Value ViewMessage(const Napi::CallbackInfo& info);
Napi::Value OrdinaryView(const Napi::CallbackInfo& info);
Napi::Value LetterboxGeometry(const Napi::CallbackInfo& info);
Napi::Value Letterbox(const Napi::CallbackInfo& info);
Napi::Value CropBatch(const Napi::CallbackInfo& info);
Napi::Value Decode(const Napi::CallbackInfo& info);
Napi::Value EdgeMap(const Napi::CallbackInfo& info);
Napi::Value EdgeCrests(const Napi::CallbackInfo& info);
Napi::Value EncodeRle(const Napi::CallbackInfo& info);
Napi::Value SelectObjects(const Napi::CallbackInfo& info);
Napi::Value DecodeRle(const Napi::CallbackInfo& info);
Napi::Value Polygons(const Napi::CallbackInfo& info);
Napi::Value MaskBitmap(const Napi::CallbackInfo& info);
Napi::Value Annotate(const Napi::CallbackInfo& info);
Napi::Value DrawOverlay(const Napi::CallbackInfo& info);
Napi::Value Notify(const Napi::CallbackInfo& info);
void ExitAtOnce(const Napi::CallbackInfo& info);
Napi::Value OpenLineWriter(const Napi::CallbackInfo& info);
Napi::Value UnblockStandardError(const Napi::CallbackInfo& info);
Napi::Value EndProcessAfter(const Napi::CallbackInfo& info);
Napi::Value LockFile(const Napi::CallbackInfo& info);
Napi::Value PolygonMask(const Napi::CallbackInfo& info);
Napi::Value MaskOverlaps(const Napi::CallbackInfo& info);
Napi::Value CountBoundaries(const Napi::CallbackInfo& info);
Napi::Value MeasureNames(const Napi::CallbackInfo& info);
Napi::Value MeasureObjects(const Napi::CallbackInfo& info);
Napi::Value GoldenDifference(const Napi::CallbackInfo& info);
Napi::Value PatchRows(const Napi::CallbackInfo& info);
Napi::Value PatchCoreset(const Napi::CallbackInfo& info);
Napi::Value PatchHighest(const Napi::CallbackInfo& info);
Napi::Value PatchDistances(const Napi::CallbackInfo& info);
Napi::Value ContourGap(const Napi::CallbackInfo& info);

}  // namespace fastsamd::binding
