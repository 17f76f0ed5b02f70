// Reply time: who waits, who waited too long, and how fast the budget of late replies burns.

import { dashboard } from './dashboard.mjs';
import { LATE, grown, of, ofAgency, ofStore, ratio } from './queries.mjs';
import { COLOURS, line, named, now, row, rows, series, stat, steps, table, text } from './panels.mjs';
import { NOT_BY_STORE, TO_STORE } from './words.mjs';

const REPLIES = 'contactwatch_sla_responses_total';
const WAITS = 'contactwatch_first_response_seconds';
const quantile = (q, window, by = '') =>
  `histogram_quantile(${q}, sum by (le${by}) (increase(${of(`${WAITS}_bucket`)}[${window}])))`;
/** Bounds of buckets are "300" to Prometheus 2 and "300.0" to Prometheus 3. */
const bound = (le) => (le === '+Inf' ? '\\\\+Inf' : `${le}(\\\\.0)?`);
const within = (le, window) => `sum(increase(${of(`${WAITS}_bucket`, `le=~"${bound(le)}"`)}[${window}]))`;
const recorded = (window) => `platform:contactwatch_sla_breached_per_responses:ratio_rate${window}{job=~"$job", platform=~"$platform"}`;

/** Ages of the oldest open questions as a share of what their platform allows. */
const used = `${ofAgency('platform_store:contactwatch_oldest_awaiting_reply_age:seconds{job=~"$job", platform=~"$platform", store=~"$store"}')} / on (platform) group_left () platform:contactwatch_reply_limit:seconds`;

const present = [
  stat('Replies in time', 'Questions answered before the deadline of their platform, of all that were answered or became overdue, in the time range. The objective of the alerts is 95 %.',
    now(`1 - ${ratio(`sum(${grown(REPLIES, LATE)})`, `sum(${grown(REPLIES)})`)}`), { unit: 'percentunit', decimals: 1, thresholds: steps('red', [0.95, 'orange'], [0.99, 'green']) }),
  stat('Late replies', 'Deadlines that passed without an answer, in the time range. Counted at the deadline, whether an answer came later or never.',
    now(`sum(${grown(REPLIES, LATE)})`), { decimals: 0, thresholds: steps('green', [1, 'orange'], [50, 'red']) }),
  stat('Median wait', `Half of the first replies came faster, in the time range. ${NOT_BY_STORE}`,
    now(quantile(0.5, '$__range')), { unit: 's', decimals: 1, thresholds: steps('green', [3600, 'orange'], [7200, 'red']) }),
  stat('95 % came within', `Of the first replies in the time range. ${NOT_BY_STORE}`,
    now(quantile(0.95, '$__range')), { unit: 's', decimals: 1, thresholds: steps('green', [5400, 'orange'], [7200, 'red']) }),
  stat('Within 2 hours', `Share of first replies within two hours, in the time range, on every platform alike. ${NOT_BY_STORE}`,
    now(ratio(within('7200', '$__range'), within('+Inf', '$__range'))), { unit: 'percentunit', decimals: 1, thresholds: steps('red', [0.9, 'orange'], [0.95, 'green']) }),
  stat('Open questions', 'Buyers who wait for an answer now.',
    now(`sum(${ofAgency(ofStore('contactwatch_conversations_awaiting_reply'))})`), { decimals: 0 }),
  stat('Near a deadline', 'Stores whose oldest question has used up three quarters of its time, or more. Somebody has to answer now.',
    now(`count(${used} > 0.75) or vector(0)`), { decimals: 0, thresholds: steps('green', [1, 'orange'], [5, 'red']) }),
  stat('Budget burns', 'The worst platform over six hours: how many times faster than the budget allows (5 % late). From 6 on the alert is critical.',
    now(`max(${recorded('6h')}) / 0.05`), { unit: 'none', decimals: 1, thresholds: steps('green', [1, 'orange'], [6, 'red']) }),
];

const bands = [
  ['up to 5 min', null, '300', 'dark-green'], ['5–30 min', '300', '1800', 'green'], ['30–60 min', '1800', '3600', 'light-yellow'],
  ['1–2 h', '3600', '7200', 'orange'], ['2–24 h', '7200', '86400', 'red'], ['longer', '86400', '+Inf', 'dark-red'],
];
const upTo = (le) => within(le, '$__interval');

const trends = [
  row('How long buyers wait'),
  series('First replies by wait', `How long buyers had waited when they were answered. One bar is an hour, or longer in long time ranges. Who was never answered is not in here, but among the late ones. ${NOT_BY_STORE}`,
    bands.map(([name, from, to]) => line(from ? `clamp_min(${upTo(to)} - ${upTo(from)}, 0)` : upTo(to), name)),
    { bars: true, stacking: 'percent', interval: '1h', unit: 'percentunit', softMax: 1, overrides: bands.map(([name, , , color]) => named(name, { color: { mode: 'fixed', fixedColor: color } })) }),
  series('Wait by platform', `Median (thin) and 95th percentile (thick) of first replies over the three hours before each point. ${NOT_BY_STORE}`,
    // In hours, because an axis of seconds has its marks at 33.3 minutes.
    [line(`${quantile(0.5, '3h', ', platform')} / 3600`, '{{platform}} median'), line(`${quantile(0.95, '3h', ', platform')} / 3600`, '{{platform}} 95 %')],
    {
      unit: 'h', fill: 0,
      overrides: ['ozon', 'wildberries', 'yandex_market'].flatMap((platform) => [
        named(`${platform} median`, { color: { mode: 'fixed', fixedColor: COLOURS[platform] }, 'custom.lineWidth': 1 }),
        named(`${platform} 95 %`, { color: { mode: 'fixed', fixedColor: COLOURS[platform] } }),
      ]),
    }),
  row('Late replies'),
  series('Replies, in time and late', 'One bar is an hour, or longer in long time ranges.',
    [line(`sum by (result) (${grown(REPLIES, '', '$__interval')})`, '{{result}}')], { bars: true, interval: '1h', decimals: 0 }),
  series('How fast the budget burns', 'Late replies over the budget of 5 %, worst platform: 1 uses it up exactly. Alerts: 3 over a day and two hours, 6 over six hours and thirty minutes (dashed).',
    ['30m', '2h', '6h', '1d'].map((window) => line(`max(${recorded(window)}) / 0.05`, window)),
    { unit: 'none', decimals: 1, softMax: 8, fill: 0, limits: steps('transparent', [3, 'orange'], [6, 'red']), overrides: [named('30m', { 'custom.lineWidth': 1 }), named('2h', { 'custom.lineWidth': 1 })] }),
];

const places = [
  row('Who has to answer'),
  table('Stores nearest to a deadline', 'The twenty stores whose oldest open question has used up most of the time that its platform allows. A click on a store opens it.',
    [
      rows(`topk(20, max by (platform, store) (${used}))`),
      rows(`max by (platform, store) (platform_store:contactwatch_oldest_awaiting_reply_age:seconds{job=~"$job"}) and on (platform, store) topk(20, max by (platform, store) (${used}))`),
      rows(`sum by (platform, store) (${ofStore('contactwatch_conversations_awaiting_reply')}) and on (platform, store) topk(20, max by (platform, store) (${used}))`),
      rows(`sum by (platform, store) (${grown(REPLIES, LATE)}) and on (platform, store) topk(20, max by (platform, store) (${used}))`),
    ],
    [
      { of: 'platform', name: 'Platform', width: 150 },
      { of: 'store', name: 'Store', links: TO_STORE },
      { of: 'A', name: 'Deadline used up', unit: 'percentunit', width: 160, thresholds: steps('text', [0.5, 'orange'], [0.75, 'red']) },
      { of: 'B', name: 'Oldest question', unit: 's', decimals: 1, width: 150 },
      { of: 'C', name: 'Open', width: 90 },
      { of: 'D', name: 'Late', width: 90, thresholds: steps('text', [0.5, 'orange']) },
    ],
    { width: 15, height: 11, sort: 'Deadline used up' }),
  text('How to read this', 'What counts as a reply, and what the deadlines are.', `
A reply is counted **in time** when it comes, and **late** when its deadline passes. So a question that nobody ever answers is late, and not in any percentile.

Deadlines are those of the shipped packs: Ozon 2 hours, Yandex Market a day, Wildberries 10 days. An overlay that changes one must change the recording rule \`platform:contactwatch_reply_limit:seconds\` too.

The **burn rate** compares late replies with a budget of 5 %. It needs volume: with 20 replies one late one is the whole budget. The alerts ask for 50.

**What to do:** answer the topmost store first. If one platform burns and the others do not, look at its collector: late *events* look like late replies.`, { width: 9, height: 11 }),
];

export default dashboard({
  uid: 'contactwatch-sla',
  title: 'Reply time',
  description: 'For leads of support: who waits, who waited too long, and how fast the budget burns.',
  from: 'now-24h',
  variables: ['datasource', 'job', 'platform', 'agency', 'store'],
  panels: [...present, ...trends, ...places],
});
