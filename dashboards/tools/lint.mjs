#!/usr/bin/env node
// What must hold for every dashboard, over and above Grafana's schema: the rules of Grafana's dashboard linter that make
// sense here, and our own. Prints every fault; exit 1 when there is one. With --plant it breaks dashboards in memory, one
// fault at a time, and fails when one is not found.

import { OF_PROCESS, OF_PROMETHEUS, dashboards, documented, expressions, metrics, panels, recorded } from './dashboards.mjs';

// As Grafana's own list of units has them (getValueFormats); others would be shown as a suffix.
const UNITS = new Set(['short', 'none', 'percentunit', 's', 'h', 'dtdurations', 'bytes', 'eps', 'cps', 'wps']);
const WINDOW = /\b(?:rate|increase|irate)\([^[]*\[([^\]]+)\]/g;
/** Windows of increases that mean the same whatever the time range; rates have none. */
const FIXED = new Set(['1d', '3h', '6h', '30d']);

/** Whoever goes from one dashboard to another keeps what he has chosen, so all of them know all of these. */
const EVERYWHERE = ['datasource', 'platform', 'agency', 'store'];
/** Grafana cuts longer titles off; so many characters fit into a column of the grid, at a width of 1600. */
const TITLE = 6.5;

const known = { documented: documented(), recorded: recorded() };

function faults({ name, dashboard }, all) {
  const found = [];
  const fault = (where, what) => found.push(`${name}.json: ${where}: ${what}`);
  const whole = JSON.stringify({ ...dashboard, templating: undefined });

  // The whole.
  if (!/^contactwatch-[a-z]+$/.test(dashboard.uid)) fault('uid', 'is not contactwatch-<name>');
  if (dashboard.editable !== false) fault('editable', 'must be false: the file is the source');
  if (dashboard.__inputs) fault('__inputs', 'is for the web shop of dashboards; provisioning does not know it');
  if (!dashboard.description) fault('description', 'is missing');
  const ids = panels(dashboard).map(({ id }) => id);
  if (new Set(ids).size !== ids.length) fault('panels', 'two have the same id');

  // Variables.
  const variables = dashboard.templating.list;
  if (variables[0]?.type !== 'datasource') fault('variables', 'the first must choose the data source');
  for (const name of EVERYWHERE) if (!variables.some((one) => one.name === name)) fault('variables', `${name} is missing`);
  for (const { name: variable, type, refresh } of variables) {
    const others = variables.filter((other) => other.name !== variable).map((other) => JSON.stringify(other)).join();
    if (!new RegExp(`\\$(?:${variable}\\b|\\{${variable}[:}])`).test(whole + others)) fault(`variable ${variable}`, 'is not used');
    if (type === 'query' && refresh !== 2) fault(`variable ${variable}`, 'must be read anew when the time range changes (refresh 2)');
  }
  const declared = new Set(variables.map((variable) => variable.name));
  for (const [, used] of whole.matchAll(/\$\{?([a-z]\w*)/g)) {
    if (!declared.has(used)) fault(`$${used}`, 'is no variable of this dashboard');
  }

  // Links.
  for (const other of all) {
    if (other.dashboard.uid === dashboard.uid) continue;
    const link = dashboard.links.find(({ url }) => url === `/d/${other.dashboard.uid}`);
    if (!link) fault('links', `none to ${other.dashboard.uid}`);
    else if (!link.keepTime || !link.includeVars) fault(`link to ${other.dashboard.uid}`, 'must carry time range and variables');
  }
  const uids = new Set(all.map(({ dashboard: { uid } }) => uid));
  for (const [, uid] of whole.matchAll(/\/d\/([\w-]+)/g)) if (!uids.has(uid)) fault('links', `there is no dashboard ${uid}`);

  // Panels.
  const taken = new Map();
  for (const panel of panels(dashboard)) {
    const where = `panel "${panel.title}"`;
    if (!panel.title) fault(`panel ${panel.id}`, 'has no title');
    const { x, y, w, h } = panel.gridPos;
    if (x + w > 24) fault(where, 'is wider than the dashboard');
    if (panel.title?.length > w * TITLE) fault(where, 'has a title that does not fit');
    for (let cx = x; cx < x + w; cx += 1) for (let cy = y; cy < y + h; cy += 1) {
      const cell = `${cx}/${cy}`;
      if (taken.has(cell)) fault(where, `lies over "${taken.get(cell)}"`);
      taken.set(cell, panel.title);
    }
    if (panel.type === 'row') continue;
    if (!panel.description) fault(where, 'has no description');
    if (panel.type === 'text') continue;
    if (panel.datasource?.uid !== '${datasource}') fault(where, 'has a data source of its own');
    const { unit, thresholds } = panel.fieldConfig.defaults;
    const overridden = panel.fieldConfig.overrides.flatMap(({ properties }) => properties).filter(({ id }) => id === 'unit');
    for (const one of [unit, ...overridden.map(({ value }) => value)]) if (!UNITS.has(one)) fault(where, `unit ${one} is none of those in use`);
    if (!thresholds?.steps?.length) fault(where, 'has no thresholds');
    // Grafana draws only whole numbers on an axis without decimals: of a share these are 0 and 100 %.
    if (panel.type === 'timeseries' && unit === 'percentunit' && panel.fieldConfig.defaults.decimals === 0) fault(where, 'has an axis of 0 % and 100 % alone');
    if (!panel.targets?.length) fault(where, 'asks nothing');
    for (const target of panel.targets ?? []) if (target.datasource?.uid !== '${datasource}') fault(`${where} ${target.refId}`, 'has a data source of its own');
  }

  // Expressions.
  for (const { where, expr, target, panel } of expressions(dashboard)) {
    for (const metric of metrics(expr)) {
      if (known.documented.has(metric) || OF_PROMETHEUS.has(metric) || OF_PROCESS.test(metric)) continue;
      if (metric.includes(':') ? known.recorded.has(metric) : false) continue;
      fault(where, `${metric} is neither in docs/metrics.md nor a recording rule`);
    }
    for (const [, window] of expr.matchAll(WINDOW)) {
      if (!window.startsWith('$') && !FIXED.has(window)) fault(where, `the window ${window} ignores the time range`);
    }
    for (const [, of] of expr.matchAll(/(?<!(?:rate|increase)\()\b(contactwatch_\w+_total|process_cpu_seconds_total)\b/g)) {
      const bare = !new RegExp(`(?:rate|increase|changes)\\(${of}\\b|label_values\\(${of}\\b`).test(expr);
      if (bare && of !== 'contactwatch_metrics_series_capped_total') fault(where, `${of} is a counter: take its rate or increase`);
    }
    // A number that stands for itself is a line to compare with, out of the brief.
    if (/^vector\(0\.\d+\)$/.test(expr) && !/unverified/.test(target?.legendFormat)) fault(where, 'compares with a number without saying that it is unverified');
    if (panel && target && !/vector\(|job=~"\$job"/.test(expr) && !expr.includes('ALERTS')) fault(where, 'ignores the variable job');
  }
  if (dashboard.uid === 'contactwatch-store' && !/v1\/stores\/\$platform\/\$store\/verdicts/.test(JSON.stringify(dashboard.links))) fault('links', 'none to the verdicts of the store');
  if (dashboard.uid === 'contactwatch-store' && !whole.includes('`contact.verdicts`')) fault('texts', 'nothing names the topic of verdicts');
  return found;
}

/** Faults to plant: each changes a copy of the dashboards, and says which words must be in what is found. */
const PLANTS = [
  ['is neither in docs/metrics.md', (all) => { chart(all).targets[0].expr = 'sum(rate(contactwatch_violatoins_total{job=~"$job"}[$__rate_interval]))'; }],
  ['is neither in docs/metrics.md', (all) => { chart(all).targets[0].expr = 'platform:contactwatch_nothing:sum{job=~"$job"}'; }],
  ['has no description', (all) => { chart(all).description = ''; }],
  ['has a data source of its own', (all) => { chart(all).datasource.uid = 'prometheus'; }],
  ['has a data source of its own', (all) => { chart(all).targets[0].datasource.uid = 'abcdef'; }],
  ['unit furlongs', (all) => { chart(all).fieldConfig.defaults.unit = 'furlongs'; }],
  ['unit undefined', (all) => { delete chart(all).fieldConfig.defaults.unit; }],
  ['has no thresholds', (all) => { delete chart(all).fieldConfig.defaults.thresholds; }],
  ['0 % and 100 % alone', (all) => { Object.assign(chart(all).fieldConfig.defaults, { unit: 'percentunit', decimals: 0 }); }],
  ['title that does not fit', (all) => { chart(all).title = 'Violations '.repeat(12); }],
  ['agency is missing', (all) => { all[0].dashboard.templating.list = all[0].dashboard.templating.list.filter(({ name }) => name !== 'agency'); }],
  ['that it is unverified', (all) => { Object.assign(chart(all).targets[0], { expr: 'vector(0.127)', legendFormat: '12.7 %' }); }],
  ['none to the verdicts', (all) => { all.find(({ name }) => name === 'store').dashboard.links.pop(); }],
  ['names the topic', (all) => { for (const panel of all.find(({ name }) => name === 'store').dashboard.panels) if (panel.type === 'text') panel.options.content = '…'; }],
  ['is not used', (all) => { all[0].dashboard.templating.list.push({ type: 'query', name: 'nobody', refresh: 2, query: { query: 'label_values(up, job)' } }); }],
  ['is no variable', (all) => { chart(all).targets[0].expr = 'sum(up{job=~"$jobb"})'; }],
  ['none to contactwatch-', (all) => { all[0].dashboard.links.pop(); all[0].dashboard.links.shift(); all[0].dashboard.links.shift(); }],
  ['lies over', (all) => { chart(all).gridPos.y = 0; chart(all).gridPos.x = 0; }],
  ['ignores the time range', (all) => { chart(all).targets[0].expr = 'sum(rate(contactwatch_flags_total{job=~"$job"}[5m]))'; }],
  ['is a counter', (all) => { chart(all).targets[0].expr = 'sum(contactwatch_flags_total{job=~"$job"})'; }],
  ['ignores the variable job', (all) => { chart(all).targets[0].expr = 'sum(up)'; }],
  ['must be false', (all) => { all[0].dashboard.editable = true; }],
  ['same id', (all) => { chart(all).id = 1; }],
];
const chart = (all) => panels(all[0].dashboard).find(({ type }) => type === 'timeseries');

if (process.argv.includes('--plant')) {
  let missed = 0;
  for (const [words, plant] of PLANTS) {
    const all = structuredClone(dashboards());
    plant(all);
    const found = all.flatMap((one) => faults(one, all));
    if (!found.some((fault) => fault.includes(words))) {
      console.error(`lint: a planted fault was not found: ${words}`);
      missed += 1;
    }
  }
  console.log(`lint: ${PLANTS.length - missed} of ${PLANTS.length} planted faults found`);
  process.exit(missed ? 1 : 0);
}

const all = dashboards();
const found = all.flatMap((one) => faults(one, all));
for (const fault of found) console.error(`lint: ${fault}`);
const count = all.reduce((sum, { dashboard }) => sum + panels(dashboard).filter(({ type }) => type !== 'row').length, 0);
console.log(`lint: ${all.length} dashboards, ${count} panels, ${all.reduce((sum, { dashboard }) => sum + expressions(dashboard).length, 0)} expressions, ${found.length} faults`);
process.exit(found.length ? 1 : 0);
