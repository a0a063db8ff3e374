/** Icons as paths of a 24 by 24 grid. */
const PATHS = {
  live: 'M4 6h11v12H4zM15 10l5-3v10l-5-3',
  photo: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01',
  events: 'M5 6h14M5 12h14M5 18h9',
  health: 'M3 12h4l3-7 4 14 3-7h4',
  charts: 'M4 20V4M4 20h16M8 16l4-5 3 3 5-7',
  config: 'M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4',
  look: 'M5 3l6 17 2.2-6.8L20 11z',
  point: 'M12 3v6M12 15v6M3 12h6M15 12h6M12 12h.01',
  box: 'M5 5h14v14H5z',
  text: 'M5 6h14M12 6v13M9 19h6',
  label: 'M4 5h8l8 8-7 7-9-9zM8 9h.01',
  freeze: 'M12 3v18M4.2 7.5l15.6 9M19.8 7.5l-15.6 9',
  play: 'M7 5l12 7-12 7z',
  undo: 'M8 5L4 9l4 4M4 9h10a5 5 0 010 10h-3',
  close: 'M6 6l12 12M18 6L6 18',
  add: 'M12 5v14M5 12h14',
  check: 'M5 13l4 4L19 7',
  moon: 'M20 14.5A8 8 0 019.5 4a8 8 0 1010.5 10.5z',
  sun: 'M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.5M17.5 17.5L19 19M19 5l-1.5 1.5M6.5 17.5L5 19',
  help: 'M9 9a3 3 0 115 2.2c-1 .8-2 1.3-2 2.8M12 18h.01',
  logout: 'M14 4H5v16h9M10 12h10M16 8l4 4-4 4',
  grid: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z',
  zoomIn: 'M10.5 4a6.5 6.5 0 100 13 6.5 6.5 0 000-13zM15.5 15.5L21 21M10.5 7.5v6M7.5 10.5h6',
  zoomOut: 'M10.5 4a6.5 6.5 0 100 13 6.5 6.5 0 000-13zM15.5 15.5L21 21M7.5 10.5h6',
  phone: 'M7 3h10v18H7zM11 18h2',
  open: 'M4 16v4h16v-4M12 16V4M7 9l5-5 5 5',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
