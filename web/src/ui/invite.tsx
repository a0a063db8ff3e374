/** Opens the console on a phone: a link that logs a user in once, as a QR code. For admins. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { ConsoleUser } from '../../../src/contract/console.js';
import { post, tell, user } from '../link/link.js';
import { Icon } from './icons.js';

interface Invitation {
  readonly user: string;
  readonly link: string;
  /** By performance.now(). */
  readonly until: number;
  /** Dark modules as a path; a module is a unit wide. */
  readonly path: string;
  readonly size: number;
}

function isOnlyHere(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || name.startsWith('127.');
}

export function InviteButton() {
  const dialog = useRef<HTMLDialogElement>(null);
  const users = useSignal<readonly ConsoleUser[]>([]);
  const chosen = useSignal(user()?.name ?? '');
  const invitation = useSignal<Invitation | undefined>(undefined);
  const left = useSignal(0);
  useEffect(() => {
    const timer = setInterval(() => {
      const { until } = invitation.value ?? {};
      if (until === undefined) return;
      left.value = Math.ceil((until - performance.now()) / 1000);
      if (left.value <= 0) invitation.value = undefined;
    }, 500);
    return () => clearInterval(timer);
  }, []);

  const open = async () => {
    dialog.current?.showModal();
    const response = await fetch('./api/users').catch(() => undefined);
    if (response?.ok) users.value = (await response.json()) as ConsoleUser[];
  };
  const invite = async () => {
    const answer = await post('invites', { user: chosen.value });
    if (!answer.ok) {
      tell(String(answer.body.error ?? 'no invitation was made'), 'error');
      return;
    }
    const { token, seconds } = answer.body as { token: string; seconds: number };
    const { encode } = await import('uqr');
    // Behind the #, where no server and no log sees the token.
    const link = `${location.origin}${location.pathname}#invite=${token}`;
    const { data, size } = encode(link, { border: 2 });
    const path = data.map((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : '')).join('')).join('');
    invitation.value = { user: chosen.value, link, until: performance.now() + 1000 * seconds, path, size };
    left.value = seconds;
  };
  const shown = invitation.value;
  return (
    <>
      <button type="button" class="round" onClick={() => void open()} aria-label="Open on a phone">
        <Icon name="phone" />
      </button>
      <dialog ref={dialog} aria-label="Open on a phone" onClose={() => (invitation.value = undefined)}>
        <h2>Open on a phone</h2>
        <p class="quiet">A link that logs in once, within five minutes.</p>
        {isOnlyHere(location.hostname) ? (
          <p class="warn">
            {location.hostname} reaches this machine alone: open the console under the name or an address of the machine first.
          </p>
        ) : null}
        <div class="row">
          <label>
            As{' '}
            <select value={chosen.value} onChange={(event) => (chosen.value = event.currentTarget.value)}>
              {users.value.map(({ name, role }) => (
                <option key={name} value={name}>
                  {name} · {role}
                </option>
              ))}
            </select>
          </label>
          <button type="button" class="primary" onClick={() => void invite()}>
            Make a link
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
        {shown ? (
          <>
            <svg class="qr" viewBox={`0 0 ${shown.size} ${shown.size}`} role="img" aria-label={`QR code that logs in ${shown.user}`}>
              <path d={shown.path} />
            </svg>
            <p class="link">
              <code>{shown.link}</code>
            </p>
            <p class="quiet">
              for {shown.user}, {left.value} s left
            </p>
          </>
        ) : null}
      </dialog>
    </>
  );
}
