/** Values in the text of a GStreamer pipeline (gst-launch). */

/** A string as a gst-launch property value. */
export function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/** A frame rate as GStreamer's fraction; 29.97 and its kin keep their exact 1001 denominators. */
export function fraction(fps: number): string {
  if (Number.isInteger(fps)) return `${fps}/1`;
  const ntsc = Math.round(fps * 1.001);
  if (Math.abs((ntsc * 1000) / 1001 - fps) < 0.005) return `${ntsc * 1000}/1001`;
  return `${Math.round(fps * 1000)}/1000`;
}
