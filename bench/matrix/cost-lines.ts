/** After a sweep of sizes: what a transfer costs and what a byte of it costs, for each of the other configurations. */
import { fitCost, sayCost } from '../statistics/cost-fit.ts';
import { type Axis, type Cell, varied } from './axes.ts';
import type { Figures } from './figures.ts';

/** None unless three sizes were swept at least. */
export function costLines(axes: readonly Axis[], cells: readonly Cell[], figures: readonly Figures[]): string[] {
  const others = varied(axes).filter(({ name }) => name !== 'size');
  if (others.length === varied(axes).length) return [];
  const lines = new Map<string, { bytes: number; ns: number }[]>();
  for (const [i, { values, config }] of cells.entries()) {
    const { median } = figures[i]!;
    if (Number.isNaN(median)) continue;
    const name = others.map(({ name, place }) => `${name}=${values[place]}`).join(' ');
    lines.set(name, [...(lines.get(name) ?? []), { bytes: config.size, ns: 1e9 / median }]);
  }
  return [...lines].flatMap(([name, points]) => {
    const cost = fitCost(points);
    if (cost === null) return [];
    const off = `; no size further off than ${(100 * cost.worst).toFixed(0)} %`;
    return [`cost${name === '' ? '' : ` at ${name}`}: ${sayCost(cost)}${off}`];
  });
}
