/** The last verdict of a camera that inspects, with its checks. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { InspectionMessage, VerdictMessage } from '../../../src/contract/inspection.js';
import { ask, topics } from '../link/link.js';

const GLYPHS = { OK: '✔', NOK: '✖', UNSURE: '?' } as const;
const CHECK_GLYPHS = { ok: '✔', nok: '✖', unsure: '?' } as const;

export function VerdictPanel({ camera }: { camera: string }) {
  const inspection = topics.value.get(`cameras/${camera}/inspection`) as InspectionMessage | undefined;
  const verdict = useSignal<VerdictMessage | undefined>(undefined);
  const number = inspection?.last?.inspection;
  useEffect(() => {
    if (number === undefined) return;
    let isCurrent = true;
    void ask('read/verdicts', { camera, limit: 1 }).then(({ data }) => {
      if (isCurrent) verdict.value = (data as readonly VerdictMessage[] | undefined)?.[0];
    });
    return () => {
      isCurrent = false;
    };
  }, [camera, number]);
  if (!inspection?.recipe) return null;
  const { last, counts, state, reason, recipe } = inspection;
  const checks = verdict.value?.inspection === number ? (verdict.value?.checks ?? []) : [];
  return (
    <section class="panel verdict" aria-label="Inspection">
      <h2>
        Inspection <small>{recipe.id}</small>{' '}
        <span class={`state ${state === 'halted' || state === 'not-ready' ? 'lost' : 'ready'}`}>{state}</span>
      </h2>
      {reason ? <p class="quiet">{reason}</p> : null}
      {last ? (
        <p class={`result ${last.verdict.toLowerCase()}`}>
          <span aria-hidden="true">{GLYPHS[last.verdict]}</span> <strong>{last.verdict}</strong>
          <span class="quiet">
            {last.part ?? `part ${last.inspection}`} · {new Date(last.ts).toLocaleTimeString('en-GB')}
          </span>
        </p>
      ) : (
        <p class="quiet">No part was inspected yet.</p>
      )}
      {checks.length > 0 ? (
        <table>
          <tbody>
            {checks.map(({ id, value, uncertainty, unit, lsl, usl, result, code }) => (
              <tr key={id} class={result}>
                <th scope="row">
                  <span class="glyph" aria-hidden="true">
                    {CHECK_GLYPHS[result]}
                  </span>
                  <span class="hidden">{result}</span> {id}
                </th>
                <td>
                  {measured(value, uncertainty)} {unit}
                </td>
                <td class="quiet">{code?.toLowerCase().replace(/_/g, ' ') ?? limits(lsl, usl)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
      <p class="quiet counts">
        {counts.ok} ok · {counts.nok} nok · {counts.unsure} unsure
        {counts.missed > 0 ? ` (${counts.missed} missed)` : ''}
      </p>
    </section>
  );
}

/** The uncertainty with two digits, and the value with as many decimals: further ones say nothing. */
function measured(value: number | null, uncertainty: number | null): string {
  if (value === null) return '–';
  if (uncertainty === null) return digits(value);
  if (uncertainty <= 0) return `${digits(value)} ± 0`;
  const decimals = Math.min(Math.max(1 - Math.floor(Math.log10(uncertainty)), 0), 6);
  return `${value.toFixed(decimals)} ± ${uncertainty.toFixed(decimals)}`;
}

function digits(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 5 });
}

function limits(least: number | undefined, most: number | undefined): string {
  if (least !== undefined && most !== undefined) return `${digits(least)} … ${digits(most)}`;
  if (least !== undefined) return `≥ ${digits(least)}`;
  return most === undefined ? '' : `≤ ${digits(most)}`;
}
