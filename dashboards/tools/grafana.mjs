// What Grafana does with a dashboard before Prometheus sees it: variables are read and put into expressions.

/** A Prometheus at `base`, asked over HTTP. */
export class Prometheus {
  constructor(base) {
    this.base = base;
  }

  async ask(path, parameters) {
    const url = new URL(path, this.base);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.append(name, value);
    const answer = await (await fetch(url)).json();
    if (answer.status !== 'success') throw new Error(answer.error ?? JSON.stringify(answer));
    return answer.data;
  }

  async instant(query, time = Date.now() / 1000) {
    return (await this.ask('/api/v1/query', { query, time })).result;
  }

  async range(query, start, end, step) {
    return (await this.ask('/api/v1/query_range', { query, start, end, step })).result;
  }
}

const seconds = (span) => `${Math.max(1, Math.round(span))}s`;

/** Intervals that count things in a bar are round, as Grafana makes them. */
const ROUND = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

/** Time range, scrape interval of the data source, and how wide a panel is drawn. */
export class Times {
  constructor({ start, end, scrape, points = 300, coarsest = Infinity }) {
    Object.assign(this, { start, end, scrape, points, coarsest });
  }

  /** The step of a panel: as many points as it can show, no finer than it asks for or the data is. */
  step(panel) {
    const least = Math.max(this.scrape, panel?.interval ? span(panel.interval) : 0);
    const fits = (this.end - this.start) / this.points;
    return Math.min(this.coarsest, Math.max(least, ROUND.find((round) => round >= fits) ?? fits));
  }

  builtIn(panel) {
    const step = this.step(panel);
    return {
      __interval: seconds(step),
      __rate_interval: seconds(Math.max(step + this.scrape, 4 * this.scrape)),
      __range: seconds(this.end - this.start),
    };
  }
}

const UNITS = { s: 1, m: 60, h: 3600, d: 86400 };
/** Seconds of "1h". */
export const span = (text) => Number.parseFloat(text) * UNITS[text.at(-1)];

/** Puts values of variables into an expression. */
export const interpolate = (expr, values) =>
  expr.replace(/\$(?:\{(\w+)(?::\w+)?\}|(\w+))/g, (whole, braced, plain) => values[braced ?? plain] ?? whole);

/** The values that a variable offers. */
export async function offered(variable, values, prometheus, times) {
  const question = interpolate(variable.query.query, values);
  const [, selector, label] = /^label_values\((.*), (\w+)\)$/s.exec(question) ?? [];
  if (label) {
    return prometheus.ask(`/api/v1/label/${label}/values`, { 'match[]': selector, start: times.start, end: times.end });
  }
  const [, query] = /^query_result\((.*)\)$/s.exec(question);
  const rows = (await prometheus.instant(query, times.end)).map(
    ({ metric: { __name__ = '', ...labels }, value }) =>
      `${__name__}{${Object.entries(labels).map(([name, of]) => `${name}="${of}"`).join(',')}} ${value[1]} ${value[0]}`,
  );
  const [, pattern] = /^\/(.*)\/$/.exec(variable.regex);
  return rows.map((row) => new RegExp(pattern).exec(row)?.[1]).filter(Boolean).sort();
}

/**
 * Values of all variables of a dashboard: everything, or for a variable of one value that of `chosen`. Returns what is
 * put into expressions, and what is offered.
 */
export async function variables(dashboard, prometheus, times, chosen) {
  const values = {};
  const offers = {};
  for (const variable of dashboard.templating.list) {
    if (variable.type === 'datasource') values[variable.name] = 'prometheus';
    else if (variable.type === 'textbox') values[variable.name] = variable.query;
    else {
      offers[variable.name] = await offered(variable, values, prometheus, times);
      values[variable.name] = variable.includeAll ? variable.allValue : (chosen[variable.name] ?? offers[variable.name][0]);
    }
  }
  return { values, offers };
}

/** What a query of a panel answers. */
export function answer(panel, target, values, prometheus, times) {
  const expr = interpolate(target.expr, { ...values, ...times.builtIn(panel) });
  if (target.instant) return prometheus.instant(expr, times.end);
  const step = times.step(panel);
  // Grafana begins at whole steps.
  return prometheus.range(expr, Math.floor(times.start / step) * step, times.end, step);
}

/** Whether an answer has anything to draw. */
export const hasData = (result) =>
  result.some(({ value, values = [value] }) => values.some(([, number]) => Number.isFinite(Number(number))));

/** The store with the most violations: the one to drill down to. */
export async function worstStore(prometheus, times) {
  const [first] = await prometheus.instant(
    'topk(1, sum by (platform, store) (max_over_time(contactwatch_violations_total[1d])) and on (platform, store) (contactwatch_conversations_awaiting_reply > 0))',
    times.end,
  );
  return first?.metric ?? {};
}
