import { Check, scenarioNames, WAYS, type Way } from './litmus/check.ts';
import { MUTANTS } from './litmus/mutants.ts';
import { SCENARIOS } from './litmus/scenarios.ts';

const ways = Object.keys(WAYS) as Way[];
const T = performance.now();
if (process.argv[2] !== 'm')
  for (const name of scenarioNames(process.argv[2] === 'long'))
    for (const way of ways) {
      const t = performance.now();
      const check = new Check(SCENARIOS[name]!, way, null);
      while (!check.search.advance(100000));
      const r = check.search.result();
      console.log(
        name,
        way,
        JSON.stringify({ ...r, failure: r.failure?.why }),
        (performance.now() - t).toFixed(0),
        (process.memoryUsage().rss / 1e6).toFixed(),
      );
      if (r.failure) for (const l of check.trace(r.failure)) console.log(l);
    }
else
  for (const [name, mutant] of Object.entries(MUTANTS)) {
    if (process.argv[3] && name !== process.argv[3]) continue;
    const t = performance.now();
    let killed = 'ALIVE';
    out: for (const s of scenarioNames(false))
      for (const way of ways) {
        const check = new Check(SCENARIOS[s]!, way, mutant);
        while (!check.search.advance(100000));
        const r = check.search.result();
        if (r.failure) {
          killed = s + ' ' + way + ' ' + r.failure.why;
          if (process.argv[3]) for (const l of check.trace(r.failure)) console.log(l);
          break out;
        }
      }
    console.log(name.padEnd(25), mutant.summary.padEnd(50), killed, (performance.now() - t).toFixed(0));
  }
console.log(performance.now() - T);
