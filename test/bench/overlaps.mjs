/** How objects lie on what a drawn scene says is there. */

/** Mask IoU of every true part with every object: [parts × objects]. */
export function maskOverlaps({ labels, instances }, { count, offsets, runs, areas, height, width }) {
  const partAreas = new Float64Array(instances.length + 1);
  for (const label of labels) partAreas[label] += 1;
  const shared = new Float64Array(instances.length * count);
  for (let j = 0; j < count; j += 1) {
    for (let k = offsets[j]; k < offsets[j + 1]; k += 1) {
      for (let pixel = runs[2 * k]; pixel < runs[2 * k + 1]; pixel += 1) {
        const label = labels[(pixel % height) * width + Math.floor(pixel / height)];
        if (label > 0) shared[(label - 1) * count + j] += 1;
      }
    }
  }
  return shared.map((both, k) => both / (partAreas[Math.floor(k / count) + 1] + areas[k % count] - both));
}

/** IoU of boxes [x1, y1, x2, y2]. */
export function boxOverlap(a, b) {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  return (width * height) / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height);
}
