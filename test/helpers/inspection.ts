/** A node none of whose cameras inspects. */
import type { InspectionService } from '../../src/control/services.js';
import { FastsamError } from '../../src/errors.js';

const none = async () => {
  throw new FastsamError('REQUEST_INVALID', 'no camera inspects');
};

export const NO_INSPECTION: InspectionService = {
  trigger: none,
  cancel: none,
  setRecipe: none,
  activateRecipe: none,
  recipe: none,
  recipes: none,
  startTeaching: none,
  addGoodPart: none,
  commitTeaching: none,
  abortTeaching: none,
  verdicts: async () => [],
  statistics: none,
  evidence: none,
};
