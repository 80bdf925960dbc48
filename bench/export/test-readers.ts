/** Strict readers of exported text, by each format's own rules: for tests. */
import assert from 'node:assert/strict';

/** Reads the Go benchmark format: configuration lines, results, units; everything else is ignored. */
export function readGo(text: string) {
  const results: { name: string; iterations: number; values: Map<string, number>; keys: Map<string, string> }[] = [];
  const units = new Map<string, string>();
  const keys = new Map<string, string>();
  for (const line of text.split('\n')) {
    const configuration = /^([a-z][^\sA-Z:]*):(?:[ \t]+(.*))?$/u.exec(line);
    if (configuration !== null) keys.set(configuration[1]!, configuration[2] ?? '');
    else if (line.startsWith('Unit ')) units.set(line.split(' ')[1]!, line.split(' ')[2]!);
    else if (/^Benchmark([A-Z]|\s|$)/.test(line)) {
      const [name, iterations, ...pairs] = line.split(/\s+/);
      assert.match(iterations!, /^[1-9]\d*$/);
      assert.ok(pairs.length >= 2 && pairs.length % 2 === 0, line);
      const values = new Map<string, number>();
      for (let i = 0; i < pairs.length; i += 2) {
        assert.match(pairs[i]!, /^\d+(\.\d+)?(e[+-]\d+)?$/);
        assert.equal(values.has(pairs[i + 1]!), false);
        values.set(pairs[i + 1]!, Number(pairs[i]));
      }
      results.push({ name: name!, iterations: Number(iterations), values, keys: new Map(keys) });
    } else assert.ok(line === '' || line.startsWith('#'), line);
  }
  return { results, units };
}

/** Reads CSV as RFC 4180 has it: CRLF, quotes doubled, and a quote nowhere else. */
export function readCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  while (field.lastIndex < text.length) {
    const at = field.lastIndex;
    const match = field.exec(text);
    assert.ok(match !== null, `no field at ${at}: ${text.slice(at, at + 40)}`);
    rows.at(-1)!.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] !== ',') rows.push([]);
  }
  assert.deepEqual(rows.pop(), []);
  return rows;
}

/** Reads a percentile distribution: four columns, then three comment lines. */
export function readHgrm(text: string) {
  const lines = text.trimEnd().split('\n');
  assert.match(lines[0]!, /^ +Value +Percentile +TotalCount +1\/\(1-Percentile\)$/);
  assert.equal(lines[1], '');
  const comments = lines.filter((line) => line.startsWith('#'));
  const rows = lines.slice(2, -comments.length).map((line) => {
    assert.match(line, /^ *\d+\.\d+ [01]\.\d+ +\d+( +\d+\.\d+)?$/);
    return line.trim().split(/ +/).map(Number);
  });
  return { rows, comments };
}
