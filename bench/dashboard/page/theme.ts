/** Colours as the page's style defines them, for canvases; and the scale of the heat map. */

/** Told apart by colour-blind people, too; dashes repeat the difference without any colour. */
export const SERIES_COLOURS = Array.from({ length: 8 }, (_, place) => `--series-${place}`);
export const SERIES_MAX = SERIES_COLOURS.length;
export const DASHES: readonly number[][] = [
  [],
  [8, 4],
  [2, 3],
  [12, 3, 2, 3],
  [5, 5],
  [14, 4],
  [2, 6],
  [8, 3, 2, 3, 2, 3],
];

const SVG = 'http://www.w3.org/2000/svg';

export function shapeOf(tag: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

/** How a series is drawn, for a legend. */
export function swatchOf(place: number): SVGElement {
  const dash = DASHES[place % DASHES.length]!.join(' ');
  const swatch = shapeOf('svg', {
    viewBox: '0 0 30 10',
    class: `swatch series-${place % SERIES_MAX}`,
    'aria-hidden': 'true',
  });
  swatch.append(shapeOf('line', { x1: 0, x2: 30, y1: 5, y2: 5, 'stroke-dasharray': dash }));
  return swatch;
}

let probe: HTMLElement | null = null;

/** What a custom property is in the theme that is shown. */
export function colourOf(property: string): string {
  if (probe === null) {
    probe = document.createElement('span');
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = `var(${property})`;
  return getComputedStyle(probe).color;
}

/** Cividis: even steps of lightness, the same to all kinds of colour vision. */
const SCALE: readonly [red: number, green: number, blue: number][] = [
  [0, 34, 78],
  [18, 53, 112],
  [59, 73, 108],
  [87, 93, 109],
  [112, 113, 115],
  [138, 134, 120],
  [165, 156, 116],
  [195, 179, 105],
  [225, 204, 85],
  [254, 232, 56],
];

export interface Shade {
  background: string;
  ink: string;
}

/** Of a share from 0 to 1, with an ink that can be read on it. */
export function shadeOf(share: number): Shade {
  const place = Math.min(1, Math.max(0, share)) * (SCALE.length - 1);
  const below = Math.min(SCALE.length - 2, Math.floor(place));
  const [from, to] = [SCALE[below]!, SCALE[below + 1]!];
  const mixed = from.map((part, i) => Math.round(part + (to[i]! - part) * (place - below)));
  return { background: `rgb(${mixed.join(' ')})`, ink: share > 0.5 ? '#000' : '#fff' };
}
