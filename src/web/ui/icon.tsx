/** Paths in a square of 24, drawn as lines. */
const PATHS = {
  folder:
    'M3 6.5A1.5 1.5 0 0 1 4.5 5H9l2 2.5h8.5A1.5 1.5 0 0 1 21 9v8.5a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 17.5z',
  file: 'M6 3h8l4 4v14H6z M14 3v4h4',
  symlink: 'M6 3h8l4 4v14H6z M14 3v4h4 M9 16c0-3 2-4 6-4 M12.5 9.5 15 12l-2.5 2.5',
  sync: 'M4 11a8 8 0 0 1 14-4l2 2 M20 4v5h-5 M20 13a8 8 0 0 1-14 4l-2-2 M4 20v-5h5',
  backups: 'M4 5h16v11H4z M9 20h6 M12 16v4',
  archive: 'M3 5h18v4H3z M5 9v10h14V9 M10 13h4',
  shared:
    'M3 6.5A1.5 1.5 0 0 1 4.5 5H9l2 2.5h8.5A1.5 1.5 0 0 1 21 9v8.5a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 17.5z M10.4 12.4a1.6 1.6 0 1 0 3.2 0a1.6 1.6 0 1 0-3.2 0 M8.8 17c0-3.4 6.4-3.4 6.4 0',
  people:
    'M6.4 8.5a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0-5.2 0 M3.5 18c0-6 11-6 11 0 M15.5 6.2a2.6 2.6 0 0 1 0 4.8 M17 13.8c2.2.5 3.5 2 3.5 4.2',
  link: 'M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.300l-1.500 1.500 M14 10a4 4 0 0 0-5.700 0l-3 3A4 4 0 0 0 11 18.700l1.500-1.500',
  copy: 'M8 8h12v12H8z M16 8V4H4v12h4',
  trash: 'M4 7h16 M9 7V4h6v3 M6 7l1 13h10l1-13 M10 11v5 M14 11v5',
  devices: 'M3 5h13v10H3z M3 19h10 M16 9h5v10h-5z',
  download: 'M12 4v11 M7 11l5 5 5-5 M5 20h14',
  upload: 'M12 16V5 M7 9l5-5 5 5 M5 20h14',
  add: 'M3 6.5A1.5 1.5 0 0 1 4.5 5H9l2 2.5h8.5A1.5 1.5 0 0 1 21 9v8.5a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 17.5z M12 10.5v5 M9.5 13h5',
  'upload-folder':
    'M3 6.5A1.5 1.5 0 0 1 4.5 5H9l2 2.5h8.5A1.5 1.5 0 0 1 21 9v8.5a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 17.5z M12 16v-5.5 M9.5 12.5 12 10l2.5 2.5',
  rename: 'M4 20l1-4L16 5l3 3L8 19z M14 7l3 3',
  move: 'M4 12h15 M14 7l5 5-5 5',
  restore: 'M4 12a8 8 0 1 0 3-6L4 8 M4 3v5h5',
  show: 'M3 12c3-8 15-8 18 0c-3 8-15 8-18 0z M9.5 12a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0',
  search: 'M4 10.500a6.500 6.500 0 1 0 13 0a6.500 6.500 0 1 0-13 0 M15.500 15.500 20 20',
  list: 'M4 6h16 M4 12h16 M4 18h16',
  grid: 'M4 4h6v6H4z M14 4h6v6h-6z M4 14h6v6H4z M14 14h6v6h-6z',
  close: 'M6 6l12 12 M18 6 6 18',
  leave: 'M10 4H5v16h5 M9 12h11 M16 8l4 4-4 4',
  up: 'M12 20V5 M6 11l6-6 6 6',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Logo() {
  return <img class="logo" src="/icon.svg" alt="Fjord" width="40" height="40" />;
}
