/** What a guest prints on its second serial port: `RESULT key=value` lines, and nothing else of meaning. Pure. */
import { Failure } from './failure.ts';

/** The results so far; a key given twice keeps the last value. Only whole lines count. */
export function readResults(text: string): Map<string, string> {
  const results = new Map<string, string>();
  for (const line of text.split('\n').slice(0, -1)) {
    const match = /^RESULT ([\w-]+)=(.*?)\r?$/.exec(line);
    if (match !== null) results.set(match[1]!, match[2]!);
  }
  return results;
}

/** @throws Failure when the guest did not say it. */
export function resultOf(results: ReadonlyMap<string, string>, key: string): string {
  const value = results.get(key);
  if (value === undefined) throw new Failure(`the guest did not say ${key}`);
  return value;
}

/** The same as a number. */
export function numberOf(results: ReadonlyMap<string, string>, key: string): number {
  const text = resultOf(results, key);
  const value = text === '' ? Number.NaN : Number(text);
  if (Number.isNaN(value)) throw new Failure(`the guest said ${key}=${text}, which is no number`);
  return value;
}
