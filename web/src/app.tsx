import { signal } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { useEffect } from 'preact/hooks';
import type { StateMessage } from '../../src/contract/node.js';
import { hello, isDistrusted, may, notice, obstacle, post, reconnectNow, status, topics, wasUpdated, watching } from './link/link.js';
import { Charts } from './pages/charts.js';
import { Config } from './pages/config.js';
import { Events } from './pages/events.js';
import { Health } from './pages/health.js';
import { Live } from './pages/live.js';
import { Login } from './pages/login.js';
import { Photo } from './pages/photo.js';
import { Icon, type IconName } from './ui/icons.js';
import { InviteButton } from './ui/invite.js';
import { theme, toggleTheme } from './ui/theme.js';

const PAGES: readonly { readonly id: string; readonly name: string; readonly icon: IconName; readonly page: FunctionComponent }[] = [
  { id: 'live', name: 'Live', icon: 'live', page: Live },
  { id: 'photo', name: 'Photo', icon: 'photo', page: Photo },
  { id: 'events', name: 'Events', icon: 'events', page: Events },
  { id: 'health', name: 'Health', icon: 'health', page: Health },
  { id: 'charts', name: 'Charts', icon: 'charts', page: Charts },
  { id: 'config', name: 'Config', icon: 'config', page: Config },
];

const route = signal(location.hash.slice(1).split('/')[0] || 'live');
addEventListener('hashchange', () => {
  route.value = location.hash.slice(1).split('/')[0] || 'live';
});

export function App() {
  const { page: Page, name } = PAGES.find(({ id }) => id === route.value) ?? PAGES[0]!;
  useEffect(() => {
    document.title = `${name} · ${hello.value?.node ?? 'fastsamd'}`;
  });
  if (status.value === 'login') return <Login />;
  return (
    <div class="app">
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to content
      </button>
      <Header />
      <nav aria-label="Pages">
        {PAGES.map(({ id, name: label, icon }) => (
          <a key={id} href={`#${id}`} aria-current={route.value === id ? 'page' : undefined}>
            <Icon name={icon} />
            <span>{label}</span>
          </a>
        ))}
      </nav>
      <main id="main" tabIndex={-1}>
        <Banner />
        <Page />
      </main>
      <Notice />
    </div>
  );
}

function Header() {
  const state = topics.value.get('state') as StateMessage | undefined;
  const isOpen = status.value === 'open';
  const shown = isOpen ? (state?.state ?? 'connecting') : status.value;
  const { user, node } = hello.value ?? {};
  return (
    <header>
      <strong class="brand">fastsamd</strong>
      <span class="node">{node}</span>
      <span class={`state ${isOpen ? shown : 'offline'}`}>{shown}</span>
      <span class="space" />
      {watching.value > 1 && isOpen ? <span class="quiet wide">{watching.value} pages open</span> : null}
      {user ? (
        <span class="quiet wide">
          {user.name} · {user.role}
        </span>
      ) : null}
      {may('admin') ? <InviteButton /> : null}
      <button type="button" class="round" onClick={toggleTheme} aria-label={theme.value === 'dark' ? 'Light colours' : 'Dark colours'}>
        <Icon name={theme.value === 'dark' ? 'sun' : 'moon'} />
      </button>
      {user && user.name !== 'local' ? (
        <button type="button" class="round" onClick={logout} aria-label="Log out">
          <Icon name="logout" />
        </button>
      ) : null}
    </header>
  );
}

async function logout(): Promise<void> {
  await post('logout', {});
  location.reload();
}

function Banner() {
  if (wasUpdated.value)
    return (
      <div class="banner" role="status">
        fastsamd was updated.{' '}
        <button type="button" onClick={() => location.reload()}>
          Reload
        </button>
      </div>
    );
  if (status.value !== 'offline') return null;
  return (
    <div class="banner bad" role="status">
      {isDistrusted.value ? <InstallAuthority /> : (obstacle.value ?? 'Not connected. What you see is old.')}{' '}
      <button type="button" onClick={reconnectNow}>
        Try now
      </button>
    </div>
  );
}

function InstallAuthority() {
  return (
    <>
      The browser refuses the live connection. Install <a href="./ca.crt">ca.crt</a> of this console on this device and trust it (on iOS
      also in Settings › General › About › Certificate Trust Settings), then open this page again.
    </>
  );
}

function Notice() {
  const shown = notice.value;
  useEffect(() => {
    if (!shown) return;
    const timer = setTimeout(() => {
      if (notice.value === shown) notice.value = undefined;
    }, 6000);
    return () => clearTimeout(timer);
  }, [shown]);
  return (
    <div class="notices" role="status" aria-live="polite">
      {shown ? <div class={`notice ${shown.kind}`}>{shown.text}</div> : null}
    </div>
  );
}
