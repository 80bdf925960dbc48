/** Vertical lines in a chart, in the colours of their series. Where several fall on one place, they share one line. */
import uPlot from 'uplot';

export interface ChartMark {
  x: number;
  /** Which of the colours. */
  place: number;
}

const DASH = 6;
const GAP = 4;
const WIDTH = 2;

export function drawMarks(plot: uPlot, marks: readonly ChartMark[], colours: readonly string[]): void {
  const { ctx, bbox } = plot;
  const places = new Map<number, Set<number>>();
  for (const { x, place } of marks) {
    const left = Math.round(plot.valToPos(x, 'x', true));
    places.set(left, (places.get(left) ?? new Set()).add(place));
  }
  const slot = (DASH + GAP) * uPlot.pxRatio;
  ctx.save();
  ctx.lineWidth = WIDTH * uPlot.pxRatio;
  for (const [left, sharing] of places) {
    ctx.setLineDash([DASH * uPlot.pxRatio, sharing.size * slot - DASH * uPlot.pxRatio]);
    // By turns, so that each is seen, and none stands beside the place where it belongs.
    for (const [turn, place] of [...sharing].sort((a, b) => a - b).entries()) {
      ctx.strokeStyle = colours[place % colours.length]!;
      ctx.lineDashOffset = -turn * slot;
      ctx.beginPath();
      ctx.moveTo(left, bbox.top);
      ctx.lineTo(left, bbox.top + bbox.height);
      ctx.stroke();
    }
  }
  ctx.restore();
}
