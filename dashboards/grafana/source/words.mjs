// Words and links that stand on several dashboards.

/** Numbers that nobody has checked are never shown without saying so. */
export const UNVERIFIED = 'from the product brief, unverified';

/** From a row of a table to that store, with everything else as it is. */
export const TO_STORE = [
  {
    title: 'Open this store',
    url: '/d/contactwatch-store?var-platform=${__data.fields.Platform}&var-store=${__data.fields.Store}&${datasource:queryparam}&${job:queryparam}&${__url_time_range}',
  },
];

export const NOT_BY_STORE = 'Counted by platform: agency and store do not narrow it.';
