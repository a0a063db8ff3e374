/** An inspecting camera without a daemon: frames and triggers in, verdicts out, on record in memory. */
import { pino } from 'pino';
import type { InspectionMessage, VerdictMessage } from '../../src/contract/messages.js';
import { Inspector, type InspectorDeps } from '../../src/daemon/inspection/inspector.js';
import type { Recipe } from '../../src/domain/recipe.js';
import { VerdictDatabase } from '../../src/record/verdict-database.js';

export interface Station extends AsyncDisposable {
  readonly inspector: Inspector;
  readonly database: VerdictDatabase;
  /** In the order in which they were told. */
  readonly verdicts: readonly VerdictMessage[];
  /** The last that was told. */
  readonly state: () => InspectionMessage;
}

export function station(recipe: Recipe, deps: Partial<InspectorDeps> = {}): Station {
  const database = new VerdictDatabase({ file: ':memory:', maxVerdicts: 100_000 });
  const verdicts: VerdictMessage[] = [];
  let state: InspectionMessage | undefined;
  const inspector = new Inspector({
    camera: 'belt',
    record: { call: async (name, ask) => database.call(name, ask) },
    onVerdict: ({ verdict }) => verdicts.push(verdict),
    onState: (message) => {
      state = message;
    },
    onRecord: () => undefined,
    degraded: () => false,
    streaming: () => true,
    log: pino({ enabled: false }),
    ...deps,
  });
  inspector.activate({ recipe, revision: 1, sha256: '0'.repeat(64), atMs: 0, active: true });
  return {
    inspector,
    database,
    verdicts,
    state: () => state!,
    async [Symbol.asyncDispose]() {
      await inspector.close();
      database.close();
    },
  };
}
