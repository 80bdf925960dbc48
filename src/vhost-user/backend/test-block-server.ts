/**
 * For tests, as a program of its own: serves one disk image until it is killed; its pid file says that it listens.
 * Without arguments, as the test runner starts it, it does nothing.
 */
import { writeFileSync } from 'node:fs';
import { openDevice } from '../../devices/open-device.ts';
import { LocalDevice } from '../queues/local-device.ts';
import { VhostUserServer } from './server.ts';

const [path, image = '', pidFile = '', queues, access] = process.argv.slice(2);
if (path !== undefined) {
  const device = openDevice({ kind: 'block', image, queues: Number(queues), readOnly: access === 'read-only' });
  new VhostUserServer({ path, device: new LocalDevice(device) }).open();
  writeFileSync(pidFile, `${process.pid}`);
}
