import { signal } from '@preact/signals';

type Theme = 'dark' | 'light';
const KEY = 'fastsamd-theme';

function preferred(): Theme {
  const kept = localStorage.getItem(KEY);
  if (kept === 'dark' || kept === 'light') return kept;
  return matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
}

export const theme = signal<Theme>('dark');

export function applyTheme(next: Theme = preferred()): void {
  theme.value = next;
  document.documentElement.dataset.theme = next;
}

export function toggleTheme(): void {
  const next = theme.value === 'dark' ? 'light' : 'dark';
  localStorage.setItem(KEY, next);
  applyTheme(next);
}
