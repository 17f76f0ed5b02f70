// One store: what its manager has to look at today.

import { dashboard } from './dashboard.mjs';
import { FROM_SELLER, LATE, of, ofStore, ratio } from './queries.mjs';
import { PLAIN, line, named, now, ranks, row, rows, series, stat, steps, table, text } from './panels.mjs';

const grown = (family, more, window = '$__range') => `sum(increase(${ofStore(family, more)}[${window}]))`;
const everywhere = (family, more, window) => `sum(increase(${of(family, more)}[${window}]))`;
const VIOLATIONS = 'contactwatch_violations_total';
const MESSAGES = 'contactwatch_messages_scored_total';
const REPLIES = 'contactwatch_sla_responses_total';
const STORE = 'job=~"$job", platform=~"$platform", store=~"$store"';
const API = '$daemon/v1/stores/$platform/$store/verdicts?limit=50';

const present = [
  stat('Critical', 'Verdicts of this store with a critical finding, in the time range.',
    now(grown(VIOLATIONS, 'severity="critical"')), { decimals: 0, thresholds: steps('green', [0.5, 'red']) }),
  stat('Warnings', 'Verdicts whose worst finding is a warning. These are findings of contactwatch, not warnings of the marketplace.',
    now(grown(VIOLATIONS, 'severity="warning"')), { decimals: 0, thresholds: steps('green', [0.5, 'orange']) }),
  stat('Per message', 'Violations for each message that this store wrote, in the time range.',
    now(ratio(grown(VIOLATIONS), grown(MESSAGES, FROM_SELLER))), { unit: 'percentunit', decimals: 1, thresholds: steps('green', [0.005, 'orange'], [0.03, 'red']) }),
  stat('Messages judged', 'Messages of the seller that were judged in the time range. None: is the collector of this store at work?',
    now(grown(MESSAGES, FROM_SELLER)), { decimals: 0, thresholds: PLAIN }),
  stat('Replies in time', 'Questions answered before the deadline of the platform, of all that were answered or became overdue.',
    now(`1 - ${ratio(grown(REPLIES, LATE), grown(REPLIES))}`), { unit: 'percentunit', decimals: 1, thresholds: steps('red', [0.95, 'orange'], [0.99, 'green']) }),
  stat('Open questions', 'Buyers who wait for an answer of this store now.',
    now(`sum(${ofStore('contactwatch_conversations_awaiting_reply')})`), { decimals: 0, thresholds: steps('green', [1, 'text'], [10, 'orange']) }),
  stat('Oldest question', 'How long the buyer has waited who waits longest. 0 when nobody waits.',
    now(`max(platform_store:contactwatch_oldest_awaiting_reply_age:seconds{${STORE}}) or vector(0)`), { unit: 's', decimals: 1 }),
  stat('Deadline used up', 'The wait of that buyer as a share of what the platform allows. At 100 % the reply is overdue: answer now.',
    now(`max(platform_store:contactwatch_oldest_awaiting_reply_age:seconds{${STORE}} / on (platform) group_left () platform:contactwatch_reply_limit:seconds) or vector(0)`),
    { unit: 'percentunit', decimals: 0, thresholds: steps('green', [0.5, 'orange'], [0.75, 'red']) }),
];

const trends = [
  row('What happens'),
  series('Violations by severity', 'Verdicts of this store by their worst finding. One bar is an hour, or longer in long time ranges.',
    [line(`sum by (severity) (increase(${ofStore(VIOLATIONS)}[$__interval]))`, '{{severity}}')], { bars: true, interval: '1h', decimals: 0 }),
  series('Messages', 'Messages of buyers and of the seller. Many more of the seller than of buyers: who writes without being asked?',
    [line(`sum by (direction) (increase(${ofStore(MESSAGES)}[$__interval]))`, '{{direction}}')], { bars: true, interval: '1h', decimals: 0 }),
  series('Violations per message, beside the platform', 'Over the day before each point: this store, and all stores of its platform together.',
    [
      line(ratio(grown(VIOLATIONS, '', '1d'), grown(MESSAGES, FROM_SELLER, '1d')), 'this store'),
      line(ratio(everywhere(VIOLATIONS, '', '1d'), everywhere(MESSAGES, FROM_SELLER, '1d')), 'all of the platform'),
    ],
    { unit: 'percentunit', decimals: 1, overrides: besidePlatform() }),
  series('Late replies, beside the platform', 'Share of replies that were overdue over the day before each point: this store, and all stores of its platform together. The dashed line is the budget of the alerts, 5 %.',
    [
      line(`max(platform_store:contactwatch_sla_breached_per_responses:ratio_rate1d{${STORE}})`, 'this store'),
      line('max(platform:contactwatch_sla_breached_per_responses:ratio_rate1d{job=~"$job", platform=~"$platform"})', 'all of the platform'),
    ],
    { unit: 'percentunit', decimals: 1, limits: steps('transparent', [0.05, 'orange']), overrides: besidePlatform() }),
  series('Open questions', 'Buyers who wait for an answer. A step that does not come down again is a queue that nobody works on.',
    [line(`sum(${ofStore('contactwatch_conversations_awaiting_reply')})`, 'open questions')], { width: 12, decimals: 0, stepped: true }),
  series('Wait of the oldest question', 'How long the buyer has waited who waits longest; gaps are times when nobody waited.',
    // In hours, because an axis of seconds has its marks at 41.7 minutes.
    [line(`max(platform_store:contactwatch_oldest_awaiting_reply_age:seconds{${STORE}}) / 3600`, 'oldest question')], { width: 12, unit: 'h' }),
];

function besidePlatform() {
  return [
    named('this store', { color: { mode: 'fixed', fixedColor: 'orange' } }),
    named('all of the platform', { color: { mode: 'fixed', fixedColor: 'text' }, 'custom.fillOpacity': 0, 'custom.lineWidth': 1 }),
  ];
}

const why = [
  row('Why'),
  text('Which rules', 'Rules by store are not in Prometheus: the product of both would be too many series. The daemon answers.', `
How often each rule fires **in this store**, and in which messages, is answered by the daemon, newest first:

[$daemon/v1/stores/$platform/$store/verdicts](${API})

The route names messages, so it asks for the token of \`http.bearer_token_file\`:

\`\`\`sh
curl -s -H "Authorization: Bearer $(cat /run/secrets/contactwatch-token)" \\
  '${API}'
\`\`\`

It knows the verdicts of late that this process judged. All others, and the words, are in the topic \`contact.verdicts\`.`, { width: 8, height: 10 }),
  ranks('What fires on this platform', 'Findings by rule over all stores of the platform, in the time range: where to look first. Not this store alone.',
    [now(`sort_desc(topk(8, sum by (rule) (increase(${of('contactwatch_rule_matches_total', 'action="alert"')}[$__range])) > 0))`, '{{rule}}')], { width: 7, height: 10 }),
  table('Packs in force', 'The policies that judge this platform. Packs that shadow are counted, and alert nobody.',
    [rows('group by (pack, policy_version, mode) (contactwatch_policy_info{job=~"$job", platform=~"$platform"})')],
    [{ of: 'pack', name: 'Pack' }, { of: 'policy_version', name: 'Version', width: 70 }, { of: 'mode', name: 'Mode', width: 80 }],
    { width: 5, height: 10 }),
  table('Whose store', 'The agency that the file of stores names for it.',
    [rows(`group by (agency, store) (platform_store:contactwatch_agency:info{${STORE}, agency=~"$agency"})`)],
    [{ of: 'agency', name: 'Agency' }, { of: 'store', name: 'Store', width: 90 }],
    { width: 4, height: 10 }),
];

export default dashboard({
  uid: 'contactwatch-store',
  title: 'Store',
  description: 'For managers of a store: what was wrong today, who waits, and why the daemon says so.',
  from: 'now-7d',
  variables: ['datasource', 'job', 'platform', 'agency', 'store', 'daemon'],
  single: true,
  panels: [...present, ...trends, ...why],
  more: [{
    type: 'link', title: 'Verdicts of this store', url: API, icon: 'external link', tags: [], asDropdown: false,
    targetBlank: true, includeVars: false, keepTime: false, tooltip: 'JSON of the daemon; asks for its token',
  }],
});
