/** `23.9 MB`: a number of bytes in the unit of download pages, 10⁶ bytes. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
