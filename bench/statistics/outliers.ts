/** Values far from the others. */
import { quantile } from './sample.ts';

export interface Outliers {
  lowSevere: number;
  lowMild: number;
  normal: number;
  highMild: number;
  highSevere: number;
}

/** In interquartile ranges from the quartiles. */
const MILD = 1.5;
const SEVERE = 3;

/** How many values lie beyond the fences of Tukey, Exploratory Data Analysis (1977); one on a fence is inside. */
export function classifyOutliers(values: readonly number[]): Outliers {
  const [low, high] = [quantile(values, 0.25), quantile(values, 0.75)];
  const range = high - low;
  const counts: Outliers = { lowSevere: 0, lowMild: 0, normal: 0, highMild: 0, highSevere: 0 };
  for (const value of values) {
    if (value < low - SEVERE * range) counts.lowSevere++;
    else if (value < low - MILD * range) counts.lowMild++;
    else if (value > high + SEVERE * range) counts.highSevere++;
    else if (value > high + MILD * range) counts.highMild++;
    else counts.normal++;
  }
  return counts;
}
