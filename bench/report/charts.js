import { isOurs, VARIANTS } from '../systems/variants.js';
import { COLUMNS, write } from './columns.js';

const WIDTH = 760;
const NAMES = 330;
const BAR = 22;
const GAP = 10;
const TOP = 46;
const COLOURS = { ours: '#2563eb', floor: '#9ca3af', peer: '#d97706' };

/** A row as bars, longest first come first; text that is readable on a light and a dark page. */
export function chartOf(row) {
  const cells = row.cells.filter((cell) => Number.isFinite(cell.median?.[row.headline]));
  if (cells.length < 2) return undefined;
  const most = Math.max(...cells.map((cell) => cell.median[row.headline]));
  const bars = cells.map((cell, index) =>
    bar(cell, row.headline, {
      y: TOP + index * (BAR + GAP),
      share: cell.median[row.headline] / most,
    }),
  );
  const height = TOP + cells.length * (BAR + GAP) + 6;
  const unit = `${COLUMNS[row.headline][0]}, ${row.better === 'less' ? 'less is better' : 'more is better'}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" role="img">`,
    `<title>${escape(row.title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" rx="6" fill="#ffffff"/>`,
    `<text x="12" y="20" font-size="15" font-weight="600" fill="#111827">${escape(row.title)}</text>`,
    `<text x="12" y="37" font-size="12" fill="#4b5563">${escape(unit)}</text>`,
    ...bars,
    '</svg>',
    '',
  ].join('\n');
}

function bar(cell, key, { y, share }) {
  const variant = VARIANTS[cell.variant];
  const room = WIDTH - NAMES - 90;
  const length = Math.max(2, Math.round(room * share));
  const name = `${variant.title}, ${variant.configuration.replaceAll('`', '')}`;
  const text = write(key, cell.median[key]);
  return [
    `<text x="${NAMES - 8}" y="${y + 15}" font-size="12" text-anchor="end" fill="#111827">${escape(shorten(name, 52))}</text>`,
    `<rect x="${NAMES}" y="${y}" width="${length}" height="${BAR}" rx="3" fill="${colourOf(variant)}"/>`,
    `<text x="${NAMES + length + 6}" y="${y + 15}" font-size="12" fill="#111827">${escape(text)}</text>`,
  ].join('\n');
}

function colourOf(variant) {
  if (isOurs(variant)) return COLOURS.ours;
  return variant.system === 'floor' ? COLOURS.floor : COLOURS.peer;
}

const shorten = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
const escape = (text) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
