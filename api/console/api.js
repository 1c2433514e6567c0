// The way to the API: the key, requests, streams, and the same as curl.
import { h, say } from './dom.js';

const KEY = 'syncline-key';
const ROLES = ['viewer', 'operator', 'admin', 'owner'];

export const session = { me: null };
export const key = () => sessionStorage.getItem(KEY);
export const keep = (text) => (text ? sessionStorage.setItem(KEY, text) : sessionStorage.removeItem(KEY));
export const may = (role) => ROLES.indexOf(session.me?.role) >= ROLES.indexOf(role);

export class Refused extends Error {
  constructor(problem) {
    super(problem.detail ?? problem.title ?? 'the server did not answer as expected');
    this.problem = problem;
  }
}

export async function api(method, path, body, headers = {}) {
  const init = { method, headers: { authorization: `Bearer ${key()}`, ...headers } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers['content-type'] = 'application/json';
  }
  if (method === 'POST') init.headers['idempotency-key'] ??= token();
  let answer;
  try {
    answer = await fetch(path, init);
  } catch {
    throw new Refused({ detail: 'the server cannot be reached', code: 'unreachable' });
  }
  if (answer.status === 204) return null;
  const text = await answer.text();
  let json;
  try { json = JSON.parse(text); } catch { json = { detail: text }; }
  if (!answer.ok) throw new Refused(json);
  const etag = answer.headers.get('etag');
  if (etag) Object.defineProperty(json, 'etag', { value: etag });
  return json;
}

// randomUUID exists only where the page is secure; a console on a plain address must work too.
function token() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export const get = (path) => api('GET', path);
export const at = (...parts) => `/api/v1/${parts.map(encodeURIComponent).join('/')}`;
export const query = (path, values) => {
  const chosen = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return chosen.length ? `${path}?${new URLSearchParams(chosen)}` : path;
};

// Follows server-sent events, and comes again behind the last one when the line breaks. Ends with `signal`, or when `on` answers true.
export async function follow(path, on, signal) {
  let last;
  let wait = 1000;
  while (!signal.aborted) {
    try {
      const headers = { authorization: `Bearer ${key()}`, accept: 'text/event-stream', ...(last ? { 'last-event-id': last } : {}) };
      const answer = await fetch(path, { headers, signal });
      if (!answer.ok) throw new Refused(await answer.json());
      wait = 1000;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        text += value;
        const frames = text.split('\n\n');
        text = frames.pop();
        for (const frame of frames) {
          const field = (name) => frame.split('\n').filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2)).join('\n');
          if (field('id')) last = field('id');
          const data = field('data');
          if (data && on(field('event'), JSON.parse(data))) { await reader.cancel(); return; }
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && error.problem.status < 500) { say(error.message, true); return; }
    }
    await new Promise((go) => setTimeout(go, wait));
    wait = Math.min(wait * 2, 15000);
  }
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export function curl(method, path, body, stream = false) {
  const parts = [`curl${stream ? ' -N' : ''}${method === 'GET' ? '' : ` -X ${method}`} ${quoted(location.origin + path)}`, '-H "authorization: Bearer $SYNCLINE_API_KEY"'];
  if (body !== undefined) parts.push("-H 'content-type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  return parts.join(' \\\n  ');
}

export function curlButton(method, path, body, stream) {
  const show = () => {
    const dialog = document.getElementById('curl');
    document.getElementById('curl-text').textContent = curl(typeof method === 'function' ? method() : method, typeof path === 'function' ? path() : path, typeof body === 'function' ? body() : body, stream);
    dialog.showModal();
  };
  return h('button', { className: 'plain small', type: 'button', onclick: show, title: 'Show the same as a curl command' }, 'curl');
}

// A button that does one thing over the API, with the same as curl beside it.
export function action({ label, role, method = 'POST', path, body, done, kind = '', ask, headers }) {
  const run = async (event) => {
    if (ask && !confirm(ask)) return;
    const button = event.currentTarget;
    button.disabled = true;
    try {
      const answer = await api(method, path, typeof body === 'function' ? body() : body, headers);
      await done?.(answer);
    } catch (error) {
      say(error.message, true);
    } finally {
      button.disabled = false;
    }
  };
  const allowed = !role || may(role);
  return h('span', { className: 'row' },
    h('button', { type: 'button', className: kind, onclick: run, disabled: !allowed, title: allowed ? '' : `needs the role ${role}` }, label),
    curlButton(method, path, body));
}
