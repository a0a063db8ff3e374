/** What segmentation does when it is told nothing else: the defaults of FastSAM's own command line. */
export const SEGMENTATION_DEFAULTS = {
  /** Keep score > conf. */
  conf: 0.4,
  /** Suppress IoU > iou, within a class. */
  iou: 0.9,
  /** Most objects per frame. */
  maxDet: 300,
  /** By the model: 20 input pixels for class-agnostic models, 0 for labelled ones. */
  snapToBorder: 'auto',
} as const;
