/** The cameras that inspect, for requests. */
import type { InspectionService } from '../../control/services.js';
import { FastsamError } from '../../errors.js';

/** Answers requests about inspection. */
export class Inspections implements InspectionService {
  async trigger({ camera }: Parameters<InspectionService['trigger']>[0]): ReturnType<InspectionService['trigger']> {
    throw doesNotInspect(camera);
  }

  async setRecipe({ camera }: Parameters<InspectionService['setRecipe']>[0]): ReturnType<InspectionService['setRecipe']> {
    throw doesNotInspect(camera);
  }

  async activateRecipe({ camera }: Parameters<InspectionService['activateRecipe']>[0]): ReturnType<InspectionService['activateRecipe']> {
    throw doesNotInspect(camera);
  }

  async recipe({ camera }: Parameters<InspectionService['recipe']>[0]): ReturnType<InspectionService['recipe']> {
    throw doesNotInspect(camera);
  }

  async recipes({ camera }: Parameters<InspectionService['recipes']>[0]): ReturnType<InspectionService['recipes']> {
    throw doesNotInspect(camera);
  }

  async verdicts({ camera }: Parameters<InspectionService['verdicts']>[0]): ReturnType<InspectionService['verdicts']> {
    if (camera === undefined) return [];
    throw doesNotInspect(camera);
  }

  async statistics({ camera }: Parameters<InspectionService['statistics']>[0]): ReturnType<InspectionService['statistics']> {
    throw doesNotInspect(camera);
  }
}

function doesNotInspect(camera: string): FastsamError {
  return new FastsamError('REQUEST_INVALID', `camera "${camera}" does not inspect; expected one with "inspection" in its configuration`);
}
