/** Strict readers of exported text, by each format's own rules: for tests. */
import assert from 'node:assert/strict';

/** What benchstat reads a line with: of one that is as long, or of bytes that are no UTF-8, nothing is read any more. */
const GO_LINE_BYTES = 64 * 1024;

/** Reads the Go benchmark format: configuration lines, results, units; everything else is ignored. */
export function readGo(text: string) {
  assert.doesNotMatch(text, /\p{Cs}/u);
  const results: { name: string; iterations: number; values: Map<string, number>; keys: Map<string, string> }[] = [];
  const units = new Map<string, string>();
  const keys = new Map<string, string>();
  for (const line of text.split('\n')) {
    assert.ok(Buffer.byteLength(line) < GO_LINE_BYTES);
    const configuration = /^([a-z][^\sA-Z:]*):(?:[ \t]+(.*))?$/u.exec(line);
    if (configuration !== null) keys.set(configuration[1]!, configuration[2] ?? '');
    else if (line.startsWith('Unit ')) units.set(line.split(' ')[1]!, line.split(' ')[2]!);
    else if (/^Benchmark([A-Z]|\s|$)/.test(line)) {
      const [name, iterations, ...pairs] = line.split(/\s+/);
      assert.match(iterations!, /^[1-9]\d*$/);
      assert.ok(BigInt(iterations!) < 2n ** 63n);
      assert.ok(pairs.length >= 2 && pairs.length % 2 === 0, line);
      const values = new Map<string, number>();
      for (let i = 0; i < pairs.length; i += 2) {
        assert.match(pairs[i]!, /^\d+(\.\d+)?(e[+-]\d+)?$/);
        assert.ok(Number.isFinite(Number(pairs[i])));
        assert.equal(values.has(pairs[i + 1]!), false);
        values.set(pairs[i + 1]!, Number(pairs[i]));
      }
      results.push({ name: name!, iterations: Number(iterations), values, keys: new Map(keys) });
    } else assert.ok(line === '' || line.startsWith('#'), line);
  }
  return { results, units };
}

/** In a name of Bencher's this ending is taken off, and an identifier of its own is looked up. */
const BENCHER_IGNORED = /-bencher-ignore$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

type Metric = Partial<Record<'value' | 'lower_value' | 'upper_value', number>>;

/** Reads the Bencher Metric Format (https://bencher.dev/bmf.json): objects of objects of a value and its bounds. */
export function readBencher(text: string): Record<string, Record<string, Metric>> {
  const document = JSON.parse(text) as Record<string, Record<string, Metric>>;
  const checkName = (name: string, lengthMax: number) => {
    assert.ok(name.trim() === name && name !== '' && name.length <= lengthMax, name);
    assert.doesNotMatch(name, BENCHER_IGNORED);
    assert.doesNotMatch(name, UUID);
  };
  assert.ok(Object.keys(document).length > 0);
  for (const [name, measures] of Object.entries(document)) {
    checkName(name, 1024);
    assert.ok(Object.keys(measures).length > 0);
    for (const [measure, metric] of Object.entries(measures)) {
      checkName(measure, 64);
      for (const [key, value] of Object.entries(metric))
        assert.ok(['value', 'lower_value', 'upper_value'].includes(key) && Number.isFinite(value), `${measure} ${key}`);
      const { value, lower_value: low = value, upper_value: high = value } = metric;
      assert.ok(value !== undefined && low! <= value && value <= high!, measure);
    }
  }
  return document;
}

interface GithubResult {
  name: string;
  unit: string;
  value: number;
  range?: string;
  extra?: string;
}

/** Reads results of github-action-benchmark's custom tools: a list that is not empty, and a history for each name. */
export function readGithub(text: string): GithubResult[] {
  const list = JSON.parse(text) as GithubResult[];
  assert.ok(Array.isArray(list) && list.length > 0);
  for (const { name, unit, value, range, extra, ...others } of list) {
    assert.deepEqual(others, {});
    assert.ok(typeof name === 'string' && name !== '' && !/[\n`|]/.test(name));
    assert.ok(typeof unit === 'string' && Number.isFinite(value), name);
    for (const more of [range, extra]) assert.ok(more === undefined || typeof more === 'string');
  }
  assert.equal(new Set(list.map(({ name }) => name)).size, list.length);
  return list;
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
