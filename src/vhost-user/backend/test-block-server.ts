/** For tests, as a program of its own: serves one disk image until it is killed; its pid file says that it listens. */
import { writeFileSync } from 'node:fs';
import { openDevice } from '../../devices/open-device.ts';
import { LocalDevice } from '../queues/local-device.ts';
import { VhostUserServer } from './server.ts';

const [path, image, pidFile, queues, access] = process.argv.slice(2) as [string, string, string, string, string];
const device = openDevice({ kind: 'block', image, queues: Number(queues), readOnly: access === 'read-only' });
new VhostUserServer({ path, device: new LocalDevice(device) }).open();
writeFileSync(pidFile, `${process.pid}`);
