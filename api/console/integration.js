// A tenant's integrations, and one of them: its state, what can be done with it, its jobs live and past.
import { badge, h, num, number, pages, put, say, table, when } from './dom.js';
import { action, api, at, curlButton, follow, get, may, query } from './api.js';
import { form, patch } from './form.js';
import { streamRow } from './onboard.js';

const link = (tenant, ...rest) => `#/t/${[tenant, ...rest].map(encodeURIComponent).join('/')}`;

export async function integrations(page, tenant) {
  const path = at('tenants', tenant, 'integrations');
  const list = pages((after) => get(query(path, { after })), (all) => table(['Integration', 'Title', 'Connector', 'State', 'Schedule', 'Last job'], all.map((one) => [
    h('a', { href: link(tenant, 'i', one.id) }, one.id), one.title, one.connector,
    [stateBadge(one), one.cause && h('p', { className: 'hint' }, one.cause), one.waiting_until && h('p', { className: 'hint' }, 'until ', when(one.waiting_until))],
    told(one.schedule), when(one.last_job_ended)]), 'No app is connected yet.'));
  put(page.body, h('p', { className: 'row' }, may('admin') && h('a', { href: link(tenant, 'new') }, 'Connect an app'), curlButton('GET', path)), list.node);
  await list.ready;
}

// What skipped something is never green.
const stateBadge = (one) => (one.state === 'live' && one.cause ? h('span', { className: 'badge partial' }, 'live, partial') : badge(one.state));

function told(schedule) {
  if (schedule === 'manual') return 'when asked';
  return schedule.cron ? `cron ${schedule.cron} (UTC)` : `every ${number(schedule.every_s)} s`;
}

export function scheduleField(schedule) {
  const name = `schedule-${Math.random()}`;
  const now = schedule === 'manual' ? 'manual' : schedule.cron ? 'cron' : 'every';
  const seconds = h('input', { type: 'number', min: 1, value: schedule.every_s ?? 300, 'aria-label': 'Seconds' });
  const cron = h('input', { value: schedule.cron ?? '0 * * * *', 'aria-label': 'Cron expression' });
  const radio = (value) => h('input', { type: 'radio', name, value, checked: value === now });
  const [every, at_, manual] = ['every', 'cron', 'manual'].map(radio);
  return {
    node: h('div', { role: 'radiogroup', 'aria-label': 'Schedule' },
      h('div', { className: 'row' }, h('label', { className: 'inline' }, every, 'Seconds after the last end'), seconds),
      h('div', { className: 'row' }, h('label', { className: 'inline' }, at_, 'Cron, five fields, UTC'), cron),
      h('label', { className: 'inline' }, manual, 'Only when asked')),
    value: () => (manual.checked ? 'manual' : at_.checked ? { cron: cron.value.trim() } : { every_s: Number(seconds.value) }),
  };
}

export async function integration(page, tenant, id, jobId) {
  const path = at('tenants', tenant, 'integrations', id);
  let known = await get(path);
  const head = h('section', { className: 'card' });
  const change = h('div');
  const live = h('section', { 'aria-label': 'Job' });
  let watching = new AbortController();
  page.signal.addEventListener('abort', () => watching.abort());

  const again = async () => { known = await get(path); draw(); await jobs.again(); };
  const watch = (job) => {
    watching.abort();
    watching = new AbortController();
    showJob(live, path, job, watching.signal, again);
  };
  const jobs = pages((after) => get(query(`${path}/jobs`, { after, limit: 20 })), (all) => table(['Job', 'Set off by', 'Began', 'Ended', 'Outcome', 'Events'], all.map((job) => [
    h('button', { className: 'plain small', type: 'button', onclick: () => watch(job.id) }, job.id.slice(-12)), job.trigger, when(job.started), when(job.ended),
    [job.outcome ? badge(job.outcome) : badge('running'), job.cause && h('p', { className: 'hint' }, job.cause)], num(job.progress.reduce((sum, stream) => sum + stream.events, 0))])));

  function draw() {
    const act = (label, word, role = 'operator', more = {}) => action({ label, role, path: `${path}/${word}`, kind: 'plain', ...more });
    const resting = ['draft', 'paused', 'reauth_required', 'authorizing'].includes(known.state);
    put(head, h('p', { className: 'row' }, stateBadge(known), known.title, h('span', { className: 'hint' }, `${known.connector} · ${told(known.schedule)} · ${known.streams ? `${known.streams.length} streams` : 'all streams'}`)),
      known.cause && h('p', {}, known.cause), known.waiting_until && h('p', {}, 'It waits until ', when(known.waiting_until)),
      h('p', { className: 'row' },
        !resting && act('Read now', 'sync', 'operator', { kind: '', done: ({ job }) => watch(job) }),
        resting ? act(known.state === 'draft' ? 'Start' : 'Resume', 'resume', 'operator', { kind: '', done: again }) : act('Pause', 'pause', 'operator', { done: again }),
        act('Try the connection', 'test', 'operator', { done: (tried) => (tried.works ? say('the connection works') : say(`${tried.code}: ${tried.message}`, true)) }),
        may('admin') && h('button', { className: 'plain', type: 'button', onclick: () => edit(change, path, known, again) }, 'Change'),
        may('admin') && action({ label: 'Delete', method: 'DELETE', role: 'admin', path, kind: 'danger', headers: { 'if-match': known.etag }, ask: `Delete ${id} for good? Its secrets go, its id stays taken, what it read stays.`,
          done: () => { say(`${id} was deleted`); location.hash = link(tenant); } }),
        h('a', { href: `${link(tenant, 'quarantine')}?integration=${encodeURIComponent(id)}` }, 'Quarantine')));
  }

  draw();
  const hooks = h('section', { 'aria-label': 'Webhooks' });
  put(page.body, head, change, hooks, live, h('h2', {}, 'Jobs'), jobs.node);
  webhooks(hooks, path, known.connector).catch((error) => say(error.message, true));
  await jobs.ready;
  const newest = jobId ?? (await get(`${path}/jobs?limit=1`)).items.find((job) => !job.ended)?.id;
  if (newest) watch(newest);
}

// Where the source may send webhooks. A secret is shown when it is made, and never again.
async function webhooks(box, path, connector) {
  if (!may('operator') || !(await get(at('connectors', connector))).webhooks) return;
  const hooks = `${path}/webhooks`;
  const full = (endpoint) => new URL(endpoint.url, location.origin).href;
  const copy = (text) => h('button', { className: 'plain small', type: 'button', onclick: async () => { try { await navigator.clipboard.writeText(text); say('copied'); } catch { say('copy it by hand', true); } } }, 'Copy');
  const shown = h('div', { 'aria-live': 'polite' });
  const list = h('div');
  const own = h('input', { type: 'password', autocomplete: 'off', 'aria-label': 'A secret that the source has made' });
  const body = () => (own.value ? { secret: own.value } : {});
  const show = async ({ endpoint, secret }) => {
    own.value = '';
    put(shown, h('p', {}, 'The secret of ', h('code', {}, endpoint.id), ', shown this once: ', h('code', {}, secret), ' ', copy(secret)));
    await again();
  };
  async function again() {
    const { items } = await get(hooks);
    put(list, table(['Address', 'Made', 'Secret exchanged', ''], items.map((endpoint) => [[h('code', {}, full(endpoint)), ' ', copy(full(endpoint))], when(endpoint.created),
      [when(endpoint.rotated), endpoint.former_until && h('p', { className: 'hint' }, 'the former one is good until ', when(endpoint.former_until))],
      may('admin') && h('span', { className: 'row' }, action({ label: 'Exchange the secret', role: 'admin', kind: 'plain small', path: `${hooks}/${endpoint.id}/rotate`, body, done: show }),
        action({ label: 'Delete', method: 'DELETE', role: 'admin', kind: 'danger small', path: `${hooks}/${endpoint.id}`, ask: 'Delete this address? What is sent to it is refused from then on.', done: again }))]), 'The source tells us nothing yet: make an address, and enter it there.'));
  }
  put(box, h('h2', {}, 'Webhooks'), list, shown, may('admin') && h('p', { className: 'row' }, h('label', { className: 'inline' }, 'The source\'s own secret, if it has made one ', own), action({ label: 'Make an address', role: 'admin', path: hooks, body, done: show })));
  await again();
}

async function edit(box, path, known, done) {
  const connector = await get(at('connectors', known.connector));
  const title = h('input', { id: 'edit-title', value: known.title });
  const fields = form(connector.settings_schema, known.settings);
  const schedule = scheduleField(known.schedule);
  const streams = h('div', {}, h('p', { className: 'hint' }, 'Streams are asked for when you open them.'));
  let rows = null;
  const load = async () => {
    try {
      const { items } = await get(`${path}/streams`);
      rows = items.map(streamRow);
      put(streams, rows.map((row) => row.node));
    } catch (error) { put(streams, h('p', { className: 'wrong' }, error.message)); }
  };
  const body = (hide) => ({ title: title.value, settings: patch(known.settings, fields.value(hide)), schedule: schedule.value(), ...(rows ? { streams: rows.every((row) => row.chosen() && !row.choice().mode) ? null : rows.filter((row) => row.chosen()).map((row) => row.choice()) } : {}) });
  const submit = async (event) => {
    event.preventDefault();
    fields.problems([]);
    try {
      await api('PATCH', path, body(), { 'if-match': known.etag });
      put(box);
      say('saved');
      await done();
    } catch (error) {
      fields.problems(error.problem?.problems ?? []);
      say(error.message, true);
    }
  };
  put(box, h('form', { className: 'card', onsubmit: submit }, h('h2', {}, 'Change'), h('label', { htmlFor: 'edit-title' }, 'Title'), title, fields.node, h('h3', {}, 'Schedule'), schedule.node,
    h('details', { ontoggle: (event) => event.target.open && !rows && load() }, h('summary', {}, 'Streams'), streams),
    h('p', { className: 'row' }, h('button', {}, 'Save'), h('button', { className: 'plain', type: 'button', onclick: () => put(box) }, 'Cancel'), curlButton('PATCH', path, () => body(true)))));
  title.focus();
}

async function showJob(box, path, id, signal, done) {
  const job = `${path}/jobs/${encodeURIComponent(id)}`;
  const head = h('p', { className: 'row', 'aria-live': 'polite' });
  const streams = h('div');
  const lines = h('div');
  const draw = (now) => {
    put(head, now.outcome ? badge(now.outcome) : badge('running'), 'began ', when(now.started), now.cause && h('span', { className: 'hint' }, now.cause));
    put(streams, table(['Stream', 'Read', 'Published', 'Quarantined', 'How far', ''], now.progress.map((stream) => [stream.stream, num(stream.records), num(stream.events), num(stream.quarantined),
      stream.done ? 'done' : stream.records_expected ? h('progress', { max: stream.records_expected, value: stream.records, title: `${stream.records} of ${stream.records_expected}` }) : 'reading',
      [stream.waiting_until && ['waits until ', when(stream.waiting_until)], stream.fault && h('span', { className: 'wrong' }, stream.fault)]]), 'It has not begun to read yet.'));
  };
  const logs = async () => {
    const page = await get(`${job}/logs?limit=500`);
    put(lines, table(['When', '', 'What'], page.items.map((line) => [when(line.at), h('span', { className: line.level }, line.level), line.message]), 'It has said nothing.'));
  };
  put(box, h('div', { className: 'card' }, h('div', { className: 'row between' }, h('h2', {}, `Job ${id.slice(-12)}`), curlButton('GET', `${job}/progress`, undefined, true)), head, streams,
    h('details', { open: true }, h('summary', {}, 'What it said'), h('p', { className: 'row' }, h('button', { className: 'plain small', type: 'button', onclick: logs }, 'Look again'), curlButton('GET', `${job}/logs`)), lines)));
  logs().catch((error) => say(error.message, true));
  await follow(`${job}/progress`, (name, now) => {
    draw(now);
    if (name === 'done') { logs().catch(() => {}); done().catch(() => {}); return true; }
    return false;
  }, signal);
}
