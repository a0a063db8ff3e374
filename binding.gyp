{
  'variables': {
    'gstreamer_modules': 'gstreamer-1.0 gstreamer-app-1.0 gstreamer-video-1.0 gio-2.0',
    'has_gstreamer%': '<!(pkg-config --exists gstreamer-1.0 gstreamer-app-1.0 gstreamer-video-1.0 gio-2.0 && echo 1 || echo 0)',
    'has_turbojpeg%': '<!(pkg-config --exists libturbojpeg && echo 1 || echo 0)',
    # A word for what TensorRT needs and this machine lacks, or "nothing".
    'tensorrt_missing%': '<!(node scripts/find-tensorrt.mjs missing)',
  },
  'targets': [
    {
      'target_name': 'fastsamd',
      'sources': [
        # One object per file of a folder; the folders are the layers.
        '<!@(printf "%s\\n" native/core/*.cc native/scenes/*.cc)',
        '<!@(printf "%s\\n" native/process/*.cc)',
        '<!@(printf "%s\\n" native/eval/*.cc)',
        '<!@(printf "%s\\n" native/measure/*.cc)',
        'native/binding/addon.cc',
        'native/binding/arguments.cc',
        'native/binding/clock_synced.cc',
        'native/binding/create_frame.cc',
        'native/binding/crop_batch.cc',
        'native/binding/crop_frame.cc',
        'native/binding/decode.cc',
        'native/binding/decode_rle.cc',
        'native/binding/draw_overlay.cc',
        'native/binding/encode_rle.cc',
        'native/binding/environment.cc',
        'native/binding/exit_at_once.cc',
        'native/binding/evaluation.cc',
        'native/binding/lane.cc',
        'native/binding/letterbox.cc',
        'native/binding/mask_bitmap.cc',
        'native/binding/measure.cc',
        'native/binding/native_camera_motion.cc',
        'native/binding/native_frame.cc',
        'native/binding/native_segments.cc',
        'native/binding/native_tracker.cc',
        'native/binding/notify.cc',
        'native/binding/polygons.cc',
        'native/binding/process.cc',
        'native/binding/render_conveyor.cc',
        'native/binding/query_gpus.cc',
        'native/binding/query_video_device.cc',
        'native/binding/render_shapes.cc',
        'native/binding/select_objects.cc',
        'native/binding/to_rgb.cc',
        'native/binding/values.cc',
        'native/binding/view_message.cc',
        'native/nvml/nvml.cc',
        'native/v4l2/devices.cc',
      ],
      'include_dirs': ['native', '<!(node -p "require(\'node-addon-api\').include_dir")'],
      'defines': [
        'NAPI_VERSION=9',
        # Checking arguments is a straight line with exceptions; they never leave the binding.
        'NODE_ADDON_API_CPP_EXCEPTIONS_ALL',
        'NODE_ADDON_API_DISABLE_DEPRECATED',
        # A worker thread that is being terminated takes no exceptions any more.
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
      ],
      'cflags': ['-O3', '-ffp-contract=off', '-fno-math-errno', '-fno-trapping-math', '-Wall', '-Wextra', '-fvisibility=hidden',
                 '-fstack-protector-strong', '-U_FORTIFY_SOURCE', '-D_FORTIFY_SOURCE=2'],
      'cflags_cc': ['-std=c++17'],
      'cflags_cc!': ['-fno-exceptions', '-std=gnu++17', '-std=gnu++20'],
      # A thread that was left behind in a hanging driver may outlive the worker that loaded the addon.
      # Bound at once and read-only from then on: no table of function addresses is left to be overwritten.
      'ldflags': ['-Wl,-z,nodelete', '-Wl,-z,now', '-Wl,-z,relro', '-Wl,-z,noexecstack'],
      # dlopen, before glibc 2.34.
      'libraries': ['-ldl'],
      'conditions': [
        ['has_gstreamer==1', {
          'sources': [
            'native/binding/has_gst_element.cc',
            'native/binding/native_capture.cc',
            'native/binding/native_video_writer.cc',
            'native/capture/capture.cc',
            'native/capture/gstreamer.cc',
            'native/capture/guard.cc',
            'native/capture/pipeline.cc',
            'native/capture/sample.cc',
            'native/capture/video_writer.cc',
          ],
          'defines': ['FASTSAMD_GSTREAMER'],
          'cflags': ['<!@(pkg-config --cflags <(gstreamer_modules))'],
          'libraries': ['<!@(pkg-config --libs <(gstreamer_modules))'],
        }],
        ['has_turbojpeg==1', {
          'sources': ['native/binding/encode_jpeg.cc', 'native/jpeg/jpeg.cc'],
          'defines': ['FASTSAMD_TURBOJPEG'],
          'cflags': ['<!@(pkg-config --cflags libturbojpeg)'],
          'libraries': ['<!@(pkg-config --libs libturbojpeg)'],
        }],
        ['tensorrt_missing=="nothing"', {
          'sources': [
            '<!@(printf "%s\\n" native/tensorrt/*.cc)',
            'native/binding/native_context.cc',
            'native/binding/tensorrt.cc',
            'native/cuda/masks.cc',
            'native/cuda/runtime.cc',
          ],
          'defines': ['FASTSAMD_TENSORRT'],
          # NVIDIA's headers mark much as deprecated that older versions have nothing else for.
          'cflags': ['-Wno-deprecated-declarations', '<!@(node scripts/find-tensorrt.mjs cflags)'],
          'libraries': ['<!@(node scripts/find-tensorrt.mjs libraries)'],
          'actions': [{
            'action_name': 'cuda_kernels',
            'inputs': ['native/cuda/kernels.cu', '<!@(printf "%s\\n" native/cuda/*.h)'],
            'outputs': ['<(INTERMEDIATE_DIR)/kernels.o'],
            'action': ['<!@(node scripts/find-tensorrt.mjs nvcc)', '-c', 'native/cuda/kernels.cu', '-o', '<@(_outputs)'],
            'process_outputs_as_sources': 1,
          }],
        }, {
          'defines': ['FASTSAMD_TENSORRT_MISSING=<(tensorrt_missing)'],
        }],
      ],
    },
  ],
}
