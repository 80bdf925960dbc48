import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { whyUnavailable } from '../native/libc.ts';
import { Terminal, type TerminalOptions } from './terminal.ts';

/** Of a wait for what does not come. */
const BOUND_MS = 60_000;
const PROGRAM = fileURLToPath(new URL('./test-terminal.js', import.meta.url));
const noPty = ['script', 'stty'].every((name) => spawnSync(name, ['--version']).status === 0)
  ? false
  : 'needs script and stty';
const skip = whyUnavailable() ?? noPty;
const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
let runs = 0;

/** The program in a terminal of its own, with the terminal's settings before and after it. */
class InTerminal {
  readonly before: string;
  readonly after: string;
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;
  private running = true;
  private shown = '';
  private changed: () => void = () => {};

  constructor(way: string) {
    this.before = join(folder, `${++runs}.before`);
    this.after = join(folder, `${runs}.after`);
    const program = `'${process.execPath}' '${PROGRAM}' ${way}`;
    const command = `stty -a > ${this.before}; ${program}; echo "code $?"; stty -a > ${this.after}`;
    this.child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    // All that it shows has come by then.
    this.ended = new Promise((resolve) =>
      this.child.on('close', () => {
        this.running = false;
        resolve();
      }),
    );
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.shown += text;
      this.changed();
    });
  }

  type(text: string): void {
    this.child.stdin!.write(text);
  }

  /** Waits until the terminal shows this. */
  async shows(pattern: RegExp): Promise<RegExpExecArray> {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), BOUND_MS);
    try {
      for (;;) {
        const found = pattern.exec(this.shown);
        if (found !== null) return found;
        if (!this.running) assert.fail(`never saw ${pattern} in ${JSON.stringify(this.shown)}`);
        await Promise.race([
          this.ended,
          new Promise<void>((resolve) => {
            this.changed = resolve;
          }),
        ]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async ready(): Promise<number> {
    return Number((await this.shows(/ready (\d+)\s/))[1]);
  }

  /** Its settings afterwards are what they were. */
  async restored(): Promise<void> {
    await this.shows(/code \d+/);
    this.child.stdin!.end();
    await this.ended;
    assert.equal(readFileSync(this.after, 'utf8'), readFileSync(this.before, 'utf8'));
  }
}

/** Words that differ. */
const difference = (before: string, now: string) => {
  const [old, fresh] = [before, now].map((text) => text.split(/[\s;]+/));
  return fresh!.filter((word, i) => word !== old![i]);
};

test('terminal: no signals, no line mode, no echo, and nothing else is touched', { skip }, async () => {
  const run = new InTerminal('exit');
  const pid = await run.ready();
  const now = spawnSync('stty', ['-a', '-F', readlinkSync(`/proc/${pid}/fd/0`)], { encoding: 'utf8' }).stdout;
  assert.deepEqual(difference(readFileSync(run.before, 'utf8'), now).sort(), ['-echo', '-icanon', '-isig']);
  run.type('a');
  await run.shows(/got 61/);
  // A return is a newline still, and what would be a signal is a character.
  run.type('\r');
  await run.shows(/got 0a/);
  run.type('\u001a\u001c');
  await run.shows(/got 1a1c/);
  run.type('x');
  await run.restored();
});

const ways: [string, string, (pid: number) => void, RegExp][] = [
  // what, way, what is done beside typing x, code that the shell sees
  ['an exit', 'exit', () => {}, /code 0/],
  ['an exception', 'throw', () => {}, /code 1/],
  ['a rejection', 'reject', () => {}, /code 1/],
  ['an exception in a worker', 'worker', () => {}, /code 1/],
  ['its own end', 'close', () => {}, /code 0/],
  ['SIGTERM', 'none', (pid) => process.kill(pid, 'SIGTERM'), /code 143/],
  ['SIGHUP', 'none', (pid) => process.kill(pid, 'SIGHUP'), /code 129/],
  ['SIGINT', 'none', (pid) => process.kill(pid, 'SIGINT'), /code 130/],
  ['SIGQUIT', 'none', (pid) => process.kill(pid, 'SIGQUIT'), /code 131/],
];
for (const [what, way, act, code] of ways)
  test(`terminal: restored after ${what}`, { skip }, async () => {
    const run = new InTerminal(way);
    const pid = await run.ready();
    act(pid);
    if (way !== 'none') run.type('x');
    await run.shows(code);
    await run.restored();
  });

test('terminal: three ^C, each alone, end the launcher with code 2', { skip }, async () => {
  const run = new InTerminal('none');
  await run.ready();
  for (let i = 1; i <= 3; i++) {
    run.type('\u0003');
    // Seen before the next is typed, so that each is alone.
    if (i < 3) await run.shows(new RegExp(`(got 03\\s+){${i}}`));
  }
  await run.shows(/code 2\b/);
  await run.restored();
});

/** A terminal that is none: its settings cannot be taken, so only what it does with bytes is seen. */
function setUp(options: Partial<TerminalOptions> = {}) {
  const input = new PassThrough();
  const written: string[] = [];
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString());
      done();
    },
  });
  const warnings: string[] = [];
  const terminal = new Terminal({ input, output, warn: (line) => warnings.push(line), ...options });
  const read = (length = 100) => {
    const bytes = new Uint8Array(length);
    return Buffer.from(bytes.subarray(0, terminal.read(bytes, length))).toString();
  };
  return { input, output, written, warnings, terminal, read };
}
const turn = () => new Promise(setImmediate);

test('terminal: piped input arrives whole, a chunk at a time, and the output is what was written', async () => {
  const { input, written, terminal, read } = setUp();
  let calls = 0;
  terminal.onReadable = () => calls++;
  input.write('hello ');
  input.write('world');
  await turn();
  assert.equal(calls, 1);
  assert.deepEqual([read(3), read(3), read(3)], ['hel', 'lo ', '']);
  await turn();
  assert.equal(read(), 'world');
  const bytes = new TextEncoder().encode('out!');
  assert.equal(terminal.write(bytes, 3), true);
  bytes.fill(0);
  await turn();
  assert.deepEqual(written, ['out']);
  terminal.close();
});

const presses: [string, [atMs: number, text: string][], number][] = [
  // what, what is typed when, how often the launcher is ended
  [
    'three within a second',
    [
      [0, '\x03'],
      [400, '\x03'],
      [1000, '\x03'],
    ],
    1,
  ],
  [
    'the third too late',
    [
      [0, '\x03'],
      [400, '\x03'],
      [1001, '\x03'],
    ],
    0,
  ],
  [
    'the last three of four',
    [
      [0, '\x03'],
      [600, '\x03'],
      [1100, '\x03'],
      [1500, '\x03'],
    ],
    1,
  ],
  [
    'another key between',
    [
      [0, '\x03'],
      [100, '\x03'],
      [200, 'a'],
      [300, '\x03'],
      [400, '\x03'],
    ],
    0,
  ],
  ['three at once', [[0, '\x03\x03\x03']], 0],
  [
    'six',
    [
      [0, '\x03'],
      [1, '\x03'],
      [2, '\x03'],
      [3, '\x03'],
      [4, '\x03'],
      [5, '\x03'],
    ],
    2,
  ],
];
for (const [what, typed, expected] of presses)
  test(`terminal: ^C: ${what}: ends ${expected} times, and the guest gets them all`, async () => {
    let nowMs = 0;
    let ends = 0;
    const { input, terminal, read } = setUp({ now: () => nowMs, abort: () => ends++ });
    let got = '';
    for (const [atMs, text] of typed) {
      nowMs = atMs;
      input.write(text);
      await turn();
      got += read();
      await turn();
    }
    assert.equal(ends, expected);
    assert.equal(got, typed.map(([, text]) => text).join(''));
    terminal.close();
  });

test('terminal: while it is paused, what waits is told when it comes, again and again, and when it goes on', async () => {
  const { input, terminal, read } = setUp();
  let calls = 0;
  let called = () => {};
  terminal.onReadable = () => {
    calls++;
    called();
  };
  terminal.pause();
  input.write('a');
  await turn();
  assert.equal(calls, 1);
  // As a device does that has looked in vain.
  terminal.pause();
  const timer = setTimeout(() => called(), BOUND_MS);
  await new Promise<void>((resolve) => {
    called = resolve;
  });
  clearTimeout(timer);
  const looks = calls;
  assert.ok(looks > 1);
  terminal.resume();
  assert.equal(calls, looks + 1);
  assert.equal(read(), 'a');
  terminal.close();
});

test('terminal: the end of input is no warning, and what came before it is still read', async () => {
  const { input, warnings, terminal, read } = setUp();
  input.end('last');
  await turn();
  assert.equal(read(), 'last');
  await turn();
  await turn();
  assert.equal(read(), '');
  assert.deepEqual(warnings, []);
  terminal.close();
});

test('terminal: an error of the input is a warning once the guest gives a buffer for it', async () => {
  const { input, warnings, terminal, read } = setUp();
  let calls = 0;
  terminal.onReadable = () => calls++;
  input.write('last');
  await turn();
  input.destroy(new Error('EIO: planted'));
  await turn();
  // A guest that has a buffer hears of it at once.
  assert.equal(calls, 2);
  assert.equal(read(), 'last');
  assert.deepEqual(warnings, []);
  for (let i = 0; i < 2; i++) {
    assert.equal(read(), '');
    assert.deepEqual(warnings, ['Failed to get console input, ignoring console. (EIO: planted)']);
  }
  terminal.close();
});

test('terminal: an error of the output is a warning, and the guest writes on', async () => {
  const { output, warnings, terminal } = setUp();
  output.destroy(new Error('EPIPE: planted'));
  await turn();
  assert.deepEqual(warnings, ['Failed to write console output, ignoring it. (EPIPE: planted)']);
  assert.equal(terminal.write(new Uint8Array(4), 4), true);
  terminal.close();
});
