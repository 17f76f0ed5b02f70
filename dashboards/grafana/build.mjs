#!/usr/bin/env node
// Writes the dashboards (*.json) from source/. With --check it only says whether they are what source/ makes, with --plant
// whether that would notice a dashboard that somebody changed by hand. Needs nothing but Node.

import { readFileSync, writeFileSync } from 'node:fs';

const NAMES = ['fleet', 'store', 'sla', 'review', 'ops'];
const place = (name) => new URL(`./${name}.json`, import.meta.url);

const made = {};
for (const name of NAMES) {
  const { default: dashboard } = await import(`./source/${name}.mjs`);
  made[name] = `${JSON.stringify(dashboard, null, 2)}\n`;
}

function written(name) {
  try {
    return readFileSync(place(name), 'utf8');
  } catch {
    // A dashboard that was never written is as stale as one that was changed.
    return '';
  }
}

const stale = (read) => NAMES.filter((name) => read(name) !== made[name]);

if (process.argv.includes('--check')) {
  const found = stale(written);
  if (found.length) {
    console.error(`${found.map((name) => `${name}.json`).join(', ')}: not what dashboards/grafana/source makes; run \`make dashboard-json\``);
    process.exit(1);
  }
  console.log(`build: ${NAMES.length} dashboards are what their source makes`);
} else if (process.argv.includes('--plant')) {
  const found = stale((name) => made[name].replace('"editable": false', '"editable": true'));
  console.log(`build: ${found.length} of ${NAMES.length} planted changes found`);
  if (found.length !== NAMES.length) process.exit(1);
} else {
  for (const name of NAMES) writeFileSync(place(name), made[name]);
}
