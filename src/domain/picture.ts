/** How a camera can be asked for its pictures. */

/** Who decodes a stream. auto: the hardware where a Jetson's is dependable, and the processor when it fails. */
export const DECODERS = ['auto', 'hardware', 'cpu'] as const;
export type Decoder = (typeof DECODERS)[number];

/** Degrees clockwise. */
export const ROTATIONS = [0, 90, 180, 270] as const;
export const FLIPS = ['none', 'horizontal', 'vertical'] as const;
export const TRANSPORTS = ['tcp', 'udp', 'auto'] as const;
export const CAMERA_PIXEL_FORMATS = ['mjpeg', 'h264', 'yuy2', 'uyvy', 'nv12', 'i420', 'rgb', 'bgr', 'gray8'] as const;

export type Rotation = (typeof ROTATIONS)[number];
export type Flip = (typeof FLIPS)[number];
export type Transport = (typeof TRANSPORTS)[number];
export type CameraPixelFormat = (typeof CAMERA_PIXEL_FORMATS)[number];
