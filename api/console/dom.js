// Small words for making elements. Texts are always text nodes, so nothing that a source says becomes markup.

export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name in node && name !== 'list' && name !== 'form') node[name] = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const put = (node, ...children) => node.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));

export function say(text, bad = false) {
  const line = h('p', { className: bad ? 'error' : '' }, text);
  document.getElementById('say').append(line);
  setTimeout(() => line.remove(), bad ? 9000 : 4000);
}

export const badge = (word) => h('span', { className: `badge ${word}` }, String(word).replaceAll('_', ' '));

export function when(text) {
  if (!text) return '–';
  const time = new Date(text);
  return h('time', { dateTime: text, title: text }, time.toLocaleString());
}

export const number = (value) => (value === null || value === undefined ? '–' : Number(value).toLocaleString());

export function table(heads, rows, empty = 'There is nothing here yet.') {
  if (!rows.length) return h('p', { className: 'empty' }, empty);
  const head = h('tr', {}, heads.map((text) => h('th', { scope: 'col' }, text)));
  return h('div', { className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': heads.filter(Boolean).join(', ') },
    h('table', {}, h('thead', {}, head), h('tbody', {}, rows.map((cells) => h('tr', {}, cells.map((cell) => (cell instanceof HTMLTableCellElement ? cell : h('td', {}, cell))))))));
}

export const num = (value) => h('td', { className: 'num' }, number(value));

export function pretty(value) {
  return h('pre', { tabIndex: 0 }, typeof value === 'string' ? value : JSON.stringify(value, null, 2));
}

// A listing that grows page by page.
export function pages(load, draw) {
  const box = h('div');
  const more = h('p');
  let all = [];
  async function next(after) {
    const page = await load(after);
    all = all.concat(page.items);
    put(box, draw(all));
    put(more, page.next ? h('button', { className: 'plain', type: 'button', onclick: () => next(page.next) }, 'Show more') : null);
  }
  return { node: h('div', {}, box, more), ready: next(), again: () => { all = []; return next(); } };
}
