/** For tests: a guest of this folder in a real launch, with a console that is read afterwards. */
import { PassThrough } from 'node:stream';
import { ConsoleDevice } from '../../devices/console.ts';
import { StreamPort } from '../../devices/console-port.ts';
import { workerCpu } from '../cpu/worker-cpu.ts';
import { type LaunchEnding, type LaunchOptions, launch } from '../launcher.ts';

export interface TestLaunch extends LaunchEnding {
  readonly output: string;
}

export async function launchGuest(
  name: string,
  args: readonly string[],
  { input = '', ...more }: Partial<LaunchOptions> & { input?: string } = {},
): Promise<TestLaunch> {
  const typed = new PassThrough();
  typed.write(input);
  const shown = new PassThrough();
  let output = '';
  shown.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ending = await launch({
    cpu: workerCpu,
    memoryMb: 16,
    entry: new URL(`./${name}.js`, import.meta.url).href,
    args,
    console: new ConsoleDevice({ port: new StreamPort(typed, shown) }),
    print: () => {},
    ...more,
  });
  return { ...ending, output };
}
