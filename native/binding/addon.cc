#include <napi.h>

#include <cstdlib>

#include "binding/environment.h"
#include "binding/job.h"
#include "binding/native_camera_motion.h"
#include "binding/native_detection_reader.h"
#include "binding/native_frame.h"
#include "binding/native_tracker.h"
#include "binding/verbs.h"
#ifdef FASTSAMD_GSTREAMER
#include "binding/native_capture.h"
#include "binding/native_video_writer.h"
#endif
#ifdef FASTSAMD_TENSORRT
#include "binding/tensorrt.h"
#endif

namespace fastsamd::binding {
namespace {

template <Napi::Value (*Verb)(const Napi::CallbackInfo&)>
Napi::Value Promised(const Napi::CallbackInfo& info) {
  return RejectWhatIsThrown(info.Env(), [&] { return Verb(info); });
}

Napi::Object Register(Napi::Env env, Napi::Object exports) {
  // See src/engine/onnxruntime/onnxruntime.ts. Once per process, before this addon's first thread; what the user has
  // set stays.
  static const int telemetry_off = setenv("ORT_DISABLE_TELEMETRY", "1", 0);
  static_cast<void>(telemetry_off);
  env.SetInstanceData(new Environment);  // deleted with the environment
  NativeFrame::Define(env);
  NativeTracker::Define(env);
  NativeCameraMotion::Define(env);
  NativeDetectionReader::Define(env);

  exports.Set("setErrorClass", Napi::Function::New<SetErrorClass>(env));
  exports.Set("createFrame", Napi::Function::New<CreateFrame>(env));
  exports.Set("renderConveyor", Napi::Function::New<Promised<RenderConveyor>>(env));
  exports.Set("conveyorTruth", Napi::Function::New<Promised<ConveyorTruth>>(env));
  exports.Set("cropFrame", Napi::Function::New<CropFrame>(env));
  exports.Set("clockSynced", Napi::Function::New<ClockSynced>(env));
  exports.Set("queryVideoDevice", Napi::Function::New<Promised<QueryVideoDevice>>(env));
  exports.Set("queryGpus", Napi::Function::New<Promised<QueryGpus>>(env));
  exports.Set("renderShapes", Napi::Function::New<Promised<RenderShapes>>(env));
  exports.Set("shapesTruth", Napi::Function::New<Promised<ShapesTruth>>(env));
  exports.Set("toRgb", Napi::Function::New<Promised<ToRgb>>(env));
  exports.Set("viewMessage", Napi::Function::New<Promised<ViewMessage>>(env));
  exports.Set("ordinaryView", Napi::Function::New<OrdinaryView>(env));
  exports.Set("letterboxGeometry", Napi::Function::New<LetterboxGeometry>(env));
  exports.Set("letterbox", Napi::Function::New<Promised<Letterbox>>(env));
  exports.Set("cropBatch", Napi::Function::New<Promised<CropBatch>>(env));
  exports.Set("decode", Napi::Function::New<Promised<Decode>>(env));
  exports.Set("openTracker", Napi::Function::New<NativeTracker::Open>(env));
  exports.Set("openCameraMotion", Napi::Function::New<NativeCameraMotion::Open>(env));
  exports.Set("edgeMap", Napi::Function::New<Promised<EdgeMap>>(env));
  exports.Set("edgeCrests", Napi::Function::New<Promised<EdgeCrests>>(env));
  exports.Set("selectObjects", Napi::Function::New<Promised<SelectObjects>>(env));
  exports.Set("encodeRle", Napi::Function::New<Promised<EncodeRle>>(env));
  exports.Set("decodeRle", Napi::Function::New<DecodeRle>(env));
  exports.Set("polygons", Napi::Function::New<Promised<Polygons>>(env));
  exports.Set("maskBitmap", Napi::Function::New<Promised<MaskBitmap>>(env));
  exports.Set("annotate", Napi::Function::New<Promised<Annotate>>(env));
  exports.Set("drawOverlay", Napi::Function::New<Promised<DrawOverlay>>(env));
  exports.Set("polygonMask", Napi::Function::New<PolygonMask>(env));
  exports.Set("openDetectionReader", Napi::Function::New<NativeDetectionReader::Open>(env));
  exports.Set("maskOverlaps", Napi::Function::New<Promised<MaskOverlaps>>(env));
  exports.Set("countBoundaries", Napi::Function::New<Promised<CountBoundaries>>(env));
  exports.Set("measureNames", Napi::Function::New<MeasureNames>(env));
  exports.Set("measureObjects", Napi::Function::New<Promised<MeasureObjects>>(env));
  exports.Set("goldenDifference", Napi::Function::New<Promised<GoldenDifference>>(env));
  exports.Set("patchRows", Napi::Function::New<Promised<PatchRows>>(env));
  exports.Set("patchHighest", Napi::Function::New<Promised<PatchHighest>>(env));
  exports.Set("patchCoreset", Napi::Function::New<Promised<PatchCoreset>>(env));
  exports.Set("patchDistances", Napi::Function::New<Promised<PatchDistances>>(env));
  exports.Set("contourGap", Napi::Function::New<Promised<ContourGap>>(env));
  exports.Set("notify", Napi::Function::New<Notify>(env));
  exports.Set("exitAtOnce", Napi::Function::New<ExitAtOnce>(env));
  exports.Set("openLineWriter", Napi::Function::New<OpenLineWriter>(env));
  exports.Set("unblockStandardError", Napi::Function::New<UnblockStandardError>(env));
  exports.Set("endProcessAfter", Napi::Function::New<EndProcessAfter>(env));
  exports.Set("lockFile", Napi::Function::New<Promised<LockFile>>(env));

  const Napi::Object features = Napi::Object::New(env);
#ifdef FASTSAMD_GSTREAMER
  NativeCapture::Define(env);
  NativeVideoWriter::Define(env);
  exports.Set("hasGstElement", Napi::Function::New<Promised<HasGstElement>>(env));
  exports.Set("hasDeviceMemory", Napi::Function::New<Promised<HasDeviceMemory>>(env));
  exports.Set("openCapture", Napi::Function::New<NativeCapture::Open>(env));
  exports.Set("openVideoWriter", Napi::Function::New<NativeVideoWriter::Open>(env));
  features.Set("gstreamer", true);
#else
  features.Set("gstreamer", false);
#endif
#ifdef FASTSAMD_TURBOJPEG
  exports.Set("encodeJpeg", Napi::Function::New<Promised<EncodeJpeg>>(env));
  features.Set("turbojpeg", true);
#else
  features.Set("turbojpeg", false);
#endif
#ifdef FASTSAMD_TENSORRT
  exports.Set("tensorrt", MakeTensorRt(env));
  features.Set("tensorrt", true);
#else
  features.Set("tensorrt", false);
#endif
#ifdef FASTSAMD_TENSORRT_MISSING
#define FASTSAMD_TEXT_OF(token) #token
#define FASTSAMD_TEXT(token) FASTSAMD_TEXT_OF(token)
  // The word of scripts/find-tensorrt.mjs for what this build lacked.
  features.Set("tensorrtMissing", FASTSAMD_TEXT(FASTSAMD_TENSORRT_MISSING));
#endif
  exports.Set("features", features);
  return exports;
}

}  // namespace
}  // namespace fastsamd::binding

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return fastsamd::binding::Register(env, exports); }

NODE_API_MODULE(fastsamd, Init)
