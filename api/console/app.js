// Signs in, finds the page for the address, and shows the tenants.
import { h, put, say, when, table, pages } from './dom.js';
import { action, at, curlButton, get, keep, key, may, query, session } from './api.js';
import { onboard } from './onboard.js';
import { integrations, integration } from './integration.js';
import { events, quarantine, tables } from './data.js';
import { entities } from './entities.js';
import { audit, keys } from './admin.js';
import { plans } from './plans.js';

const main = document.getElementById('main');
let leave = new AbortController();

function route() {
  const [path, search] = location.hash.replace(/^#/, '').split('?');
  const parts = path.split('/').filter(Boolean).map(decodeURIComponent);
  const found = new URLSearchParams(search);
  if (parts[0] === 't' && parts[1]) {
    const [, tenant, what, name, job] = parts;
    if (!what) return ['Integrations', (page) => integrations(page, tenant), tenant];
    if (what === 'new') return ['Connect an app', (page) => onboard(page, tenant), tenant];
    if (what === 'i' && name) return [name, (page) => integration(page, tenant, name, job), tenant];
    if (what === 'quarantine') return ['Quarantine', (page) => quarantine(page, tenant, found), tenant];
    if (what === 'tables') return [name ?? 'Tables', (page) => tables(page, tenant, name), tenant];
    if (what === 'entities') return [name ?? 'Unified', (page) => entities(page, tenant, name, job), tenant];
    if (what === 'plans') return ['Plans', (page) => plans(page, tenant, name), tenant];
    if (what === 'events') return ['Events', (page) => events(page, tenant), tenant];
  }
  if (parts[0] === 'keys') return ['API keys', keys];
  if (parts[0] === 'audit') return ['Audit', audit];
  if (!parts.length) return ['Tenants', tenants];
  return ['Not found', (page) => put(page.body, h('p', {}, 'There is no such page.'))];
}

function tabs(tenant, what) {
  const base = `#/t/${encodeURIComponent(tenant)}`;
  const all = [['Integrations', base], ['Events', `${base}/events`], ['Tables', `${base}/tables`], ['Unified', `${base}/entities`], ['Plans', `${base}/plans`], ['Quarantine', `${base}/quarantine`]];
  const current = { events: 'Events', tables: 'Tables', entities: 'Unified', plans: 'Plans', quarantine: 'Quarantine' }[what] ?? 'Integrations';
  return h('nav', { className: 'tabs', 'aria-label': `Tenant ${tenant}` }, all.map(([name, href]) => h('a', { href, 'aria-current': name === current && 'page' }, name)));
}

async function show() {
  leave.abort();
  leave = new AbortController();
  if (!key()) return signIn();
  try {
    session.me ??= await get('/api/v1/whoami');
  } catch (error) {
    say(error.message, true);
    if (error.problem.code === 'unauthenticated') keep(null);
    return signIn();
  }
  const [title, draw, tenant] = route();
  document.title = `${title} · Syncline`;
  frame();
  const heading = h('h1', { tabIndex: -1 }, title);
  const page = { body: h('div', {}, h('p', { className: 'empty' }, 'Loading …')), heading, signal: leave.signal };
  put(main, tenant && h('p', { className: 'hint' }, h('a', { href: '#/' }, 'Tenants'), ` / ${tenant}`), tenant && tabs(tenant, location.hash.split(/[/?]/)[3]), heading, page.body);
  heading.focus();
  try {
    await draw(page);
  } catch (error) {
    put(page.body, h('p', { className: 'wrong', role: 'alert' }, error.message), h('p', {}, h('button', { type: 'button', onclick: show }, 'Try again')));
    if (!error.problem) console.error(error);
  }
}

function frame() {
  const here = location.hash || '#/';
  const links = [['Tenants', '#/'], may('owner') && ['API keys', '#/keys'], may('admin') && ['Audit', '#/audit']].filter(Boolean);
  put(document.getElementById('nav'), links.map(([name, href]) => h('a', { href, 'aria-current': here === href && 'page' }, name)), h('a', { href: '/docs' }, 'API reference'));
  put(document.getElementById('me'), `${session.me.name} · ${session.me.role}${session.me.tenant ? ` of ${session.me.tenant}` : ''}`,
    h('button', { className: 'plain small', type: 'button', onclick: signOut }, 'Sign out'));
}

function signOut() {
  keep(null);
  session.me = null;
  put(document.getElementById('nav'));
  put(document.getElementById('me'));
  location.hash = '#/';
  show();
}

function signIn() {
  const input = h('input', { id: 'key', type: 'password', required: true, autocomplete: 'off', placeholder: 'sk_…' });
  const wrong = h('p', { className: 'wrong', role: 'alert' });
  const submit = async (event) => {
    event.preventDefault();
    keep(input.value.trim());
    try {
      session.me = await get('/api/v1/whoami');
      show();
    } catch (error) {
      keep(null);
      wrong.textContent = error.message;
    }
  };
  document.title = 'Sign in · Syncline';
  put(main, h('h1', {}, 'Sign in'), h('form', { className: 'card', onsubmit: submit }, h('label', { htmlFor: 'key' }, 'API key'), input,
    h('p', { className: 'hint' }, 'The key stays in this tab and goes when you close it. Make one with ', h('code', {}, 'syncline key'), '.'), wrong, h('button', {}, 'Sign in')));
  input.focus();
}

async function tenants(page) {
  const path = at('tenants');
  const list = pages((after) => get(query(path, { after })), (all) => table(['Tenant', 'Name', 'Since'], all.map((tenant) => [
    h('a', { href: `#/t/${encodeURIComponent(tenant.id)}` }, tenant.id), tenant.name, when(tenant.created)])));
  const id = h('input', { id: 'tenant', required: true, pattern: '[a-z0-9]([a-z0-9_\\-]*[a-z0-9])?', maxLength: 48, placeholder: 'acme' });
  const name = h('input', { id: 'tenant-name', placeholder: 'Acme Ltd.' });
  const body = () => ({ id: id.value.trim(), ...(name.value.trim() ? { name: name.value.trim() } : {}) });
  const make = action({ label: 'Make tenant', role: 'owner', path, body, done: async (made) => { say(`${made.id} was made`); id.value = name.value = ''; await list.again(); } });
  put(page.body, h('p', {}, curlButton('GET', path)), list.node, may('owner') && !session.me.tenant && h('details', { className: 'card' }, h('summary', {}, 'New tenant'),
    h('label', { htmlFor: 'tenant' }, 'Id'), id, h('p', { className: 'hint' }, 'Small letters, digits, - and _. It is never used again.'), h('label', { htmlFor: 'tenant-name' }, 'Name'), name, h('p', {}, make)));
  await list.ready;
}

const dialog = document.getElementById('curl');
document.getElementById('curl-close').addEventListener('click', () => dialog.close());
document.getElementById('curl-copy').addEventListener('click', async () => {
  const text = document.getElementById('curl-text');
  try {
    await navigator.clipboard.writeText(text.textContent);
    say('copied');
  } catch {
    getSelection().selectAllChildren(text);
    say('selected; copy it with your keyboard');
  }
});
addEventListener('hashchange', show);
show();
