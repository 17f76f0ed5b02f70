// The dashboards as files, and their parts.

import { readFileSync, readdirSync } from 'node:fs';

const ROOT = new URL('../../', import.meta.url);
const FOLDER = new URL('dashboards/grafana/', ROOT);

/** Every dashboard: its file's name and what is in it. */
export const dashboards = () =>
  readdirSync(FOLDER)
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({ name: name.replace('.json', ''), dashboard: JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) }));

/** Panels of a dashboard, those in folded rows too. */
export const panels = (dashboard) => dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);

/** Every expression of a dashboard with the place where it stands: panels, variables, annotations. */
export function expressions(dashboard) {
  const found = [];
  for (const panel of panels(dashboard)) {
    for (const target of panel.targets ?? []) found.push({ where: `panel "${panel.title}" ${target.refId}`, expr: target.expr, panel, target });
  }
  for (const mark of dashboard.annotations.list) found.push({ where: `annotation "${mark.name}"`, expr: mark.expr, mark });
  for (const variable of dashboard.templating.list) {
    if (variable.type === 'query') found.push({ where: `variable ${variable.name}`, expr: variable.query.query, variable });
  }
  return found;
}

const names = (text, pattern) => [...text.matchAll(pattern)].map((match) => match[1]);

/** Metrics that the daemon documents. */
export function documented() {
  const families = new Set();
  const document = readFileSync(new URL('docs/metrics.md', ROOT), 'utf8');
  for (const [, name, kind] of document.matchAll(/^\| `(contactwatch_\w+)` \| (\w+) \|/gm)) {
    if (kind === 'histogram') for (const part of ['bucket', 'sum', 'count']) families.add(`${name}_${part}`);
    else families.add(name);
  }
  return families;
}

/** Names of the recording rules, when they are there. */
export function recorded() {
  const folder = new URL('dashboards/prometheus/', ROOT);
  try {
    const files = readdirSync(folder).filter((name) => name.endsWith('.rules.yml'));
    return new Set(files.flatMap((name) => names(readFileSync(new URL(name, folder), 'utf8'), /^\s*-?\s*record:\s*(\S+)/gm)));
  } catch {
    return new Set();
  }
}

/** What Prometheus itself brings. */
export const OF_PROMETHEUS = new Set(['up', 'ALERTS', 'scrape_samples_scraped', 'scrape_duration_seconds']);
/** The process collector, as docs/metrics.md says. */
export const OF_PROCESS = /^process_\w+$/;

/** Names of metrics in an expression. */
export const metrics = (expr) =>
  // Strings and labels may look like anything; what is left of a name with a prefix or a colon is a metric.
  names(expr.replace(/"(?:[^"\\]|\\.)*"/g, '""'), /(?<![\w:$])((?:contactwatch_|process_|scrape_)\w+|\w+:[\w:]+|up(?=\{)|ALERTS)/g);
