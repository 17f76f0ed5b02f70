// What all dashboards have in common: variables, links to each other, marks of reloads.

import { laidOut } from './panels.mjs';

const SOURCE = { type: 'prometheus', uid: '${datasource}' };

const choice = { hide: 0, skipUrlSync: false };
/** Values come from Prometheus, and anew whenever the time range changes. */
const query = (name, label, question, more = {}) => ({
  type: 'query', name, label, datasource: SOURCE,
  query: { query: question, refId: `variable-${name}` },
  refresh: 2, sort: 1, regex: '', multi: true, includeAll: true, allValue: '.*',
  current: { text: 'All', value: '$__all' }, options: [],
  ...choice, ...more,
});
/** Exactly one value. */
const one = { multi: false, includeAll: false, allValue: undefined, current: undefined };

const STORES =
  'group by (store) (contactwatch_conversations_awaiting_reply{job=~"$job", platform=~"$platform"} ' +
  'unless on (job, platform, store) platform_store:contactwatch_agency:info{agency!~"$agency"})';

const VARIABLES = {
  datasource: { type: 'datasource', name: 'datasource', label: 'Data source', query: 'prometheus', regex: '', multi: false, includeAll: false, options: [], refresh: 1, ...choice },
  job: query('job', 'Job', 'label_values(contactwatch_build_info, job)'),
  instance: query('instance', 'Process', 'label_values(contactwatch_build_info{job=~"$job"}, instance)'),
  platform: query('platform', 'Platform', 'label_values(contactwatch_flags_total{job=~"$job"}, platform)'),
  agency: query('agency', 'Agency', 'label_values(platform_store:contactwatch_agency:info{job=~"$job", platform=~"$platform"}, agency)'),
  store: query('store', 'Store', `query_result(${STORES})`, { regex: '/store="([^"]+)"/', sort: 3 }),
  daemon: { type: 'textbox', name: 'daemon', label: 'Daemon', query: 'http://localhost:9466', current: { text: 'http://localhost:9466', value: 'http://localhost:9466' }, options: [], ...choice },
};
/** The drill-down shows one store, which is of one platform. */
const SINGLE = { platform: one, store: one };

/** Every dashboard, as the others link to it. */
export const ALL = [
  ['contactwatch-fleet', 'Fleet compliance'],
  ['contactwatch-store', 'Store'],
  ['contactwatch-sla', 'Reply time'],
  ['contactwatch-review', 'Misjudgments'],
  ['contactwatch-ops', 'Daemon'],
];

const links = (uid) =>
  ALL.filter(([other]) => other !== uid).map(([other, title]) => ({
    type: 'link', title, url: `/d/${other}`, icon: 'dashboard', tags: [], asDropdown: false,
    targetBlank: false, includeVars: true, keepTime: true, tooltip: '',
  }));

const mark = (name, expr, color, title) => ({
  name, enable: true, hide: false, iconColor: color, datasource: SOURCE,
  expr, step: '60s', titleFormat: title, textFormat: '',
});

/** A dashboard of these panels. */
export function dashboard({ uid, title, description, from, variables, single = false, panels, more = [] }) {
  return {
    uid, title: `contactwatch / ${title}`, description, tags: ['contactwatch'],
    schemaVersion: 41, version: 1, editable: false, fiscalYearStartMonth: 0, graphTooltip: 1, weekStart: '', timezone: 'browser',
    time: { from, to: 'now' }, timepicker: {}, refresh: '1m',
    templating: {
      list: variables.map((name) => ({ ...VARIABLES[name], ...(single && SINGLE[name] ? SINGLE[name] : {}) })),
    },
    annotations: {
      list: [
        mark('Policies or stores loaded', 'changes(contactwatch_config_last_reload_timestamp_seconds{job=~"$job"}[2m]) > 0', 'purple', 'Policies or stores loaded'),
        mark('Process started', 'changes(process_start_time_seconds{job=~"$job"}[2m]) > 0', 'blue', 'Process started'),
      ],
    },
    links: [...links(uid), ...more],
    panels: laidOut(panels),
  };
}
