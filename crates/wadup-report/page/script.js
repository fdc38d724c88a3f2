'use strict';

// What is shown, and where, is in the address: `#table=users&q=ann&page=2`. So a view can be
// linked to, and the back button works.

const report = JSON.parse(document.getElementById('data').textContent);
const PAGE_ROWS = 50;
const WIDE = 40;
const LONG = 160;

const inputs = new Map(report.inputs.map((input) => [input.id, input]));
const children = new Map();
for (const input of report.inputs) {
  if (input.parent === null) continue;
  if (!children.has(input.parent)) children.set(input.parent, []);
  children.get(input.parent).push(input);
}

// ---- Words ----

const whole = new Intl.NumberFormat('en');
const count = (number, noun) => `${whole.format(number)} ${noun}${number === 1 ? '' : 's'}`;

function duration(ms) {
  if (ms < 1) return `${Number((ms * 1000).toPrecision(2))} µs`;
  if (ms < 1000) return `${Number(ms.toPrecision(3))} ms`;
  if (ms < 120000) return `${Number((ms / 1000).toPrecision(3))} s`;
  return `${whole.format(Math.round(ms / 60000))} min`;
}

function bytes(number) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (number >= 1024 && unit < units.length - 1) {
    number /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? number : number.toFixed(1)} ${units[unit]}`;
}

const time = (iso) => (iso === null ? '' : `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`);

// Characters that would not be seen, or would change the order of others.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const visible = (text) =>
  text.replace(HIDDEN, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);

// A value as text: numbers, strings, and the objects that stand for what JSON has no form for.
function plain(value) {
  if (value === null) return 'NULL';
  if (typeof value !== 'object') return visible(String(value));
  if ('text' in value) return `${visible(value.text)} … (cut; ${count(value.length, 'byte')} in all)`;
  return value.integer ?? value.real ?? value.bytes;
}

const isNumber = (value) =>
  typeof value === 'number' || (value !== null && typeof value === 'object' && ('integer' in value || 'real' in value));
const failed = (input) => input.outcomes.some((outcome) => outcome.status !== 'completed');

// ---- Elements ----

function make(element, attributes, ...content) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...content.flat(Infinity).filter((part) => part !== null && part !== undefined));
  return element;
}

const h = (tag, attributes, ...content) => make(document.createElement(tag), attributes, ...content);
const s = (tag, attributes, ...content) =>
  make(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, ...content);
const text = (value) => h('bdi', {}, plain(value));
const status = (name) => h('span', { class: name === 'completed' ? 'status' : 'status failed' }, name);

// The folder that all files are in: it is said once, and left out of their paths.
const folder = (() => {
  const paths = report.inputs.filter((input) => input.parent === null).map((input) => plain(input.path));
  if (paths.length === 0) return '';
  let common = paths[0];
  for (const path of paths) {
    while (!path.startsWith(common)) common = common.slice(0, -1);
  }
  return common.slice(0, common.lastIndexOf('/') + 1);
})();

function pathOf(input) {
  const path = plain(input.path);
  return h('bdi', {}, input.parent === null ? path.slice(folder.length) : path);
}

// A list of facts; those without a value are left out.
function facts(...pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== '');
  return h('dl', { class: 'facts' }, known.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
}

// ---- The address ----

const state = () => new URLSearchParams(location.hash.slice(1));

function address(changes) {
  const next = state();
  next.delete('at');
  for (const [name, value] of Object.entries(changes)) {
    if (value === '' || value === null) next.delete(name);
    else next.set(name, value);
  }
  return `#${next}`;
}

// Typing does not add to the history.
function replace(changes) {
  history.replaceState(null, '', address(changes));
  draw();
}

// ---- Sections ----

const sections = [];

// `make` returns the section's content, anew whenever the address changes.
function section(id, title, make) {
  const element = h('section', { id, 'aria-labelledby': `${id}-title` });
  sections.push({ id, title, element, make });
  return element;
}

let drawn = null;

function draw() {
  if (location.hash === drawn) return;
  drawn = location.hash;
  const focus = document.activeElement?.id;
  const selection = document.activeElement?.selectionStart;
  for (const { id, title, element, make } of sections) {
    element.replaceChildren(h('h2', { id: `${id}-title` }, title), ...[make(state())].flat().filter(Boolean));
  }
  const again = focus && document.getElementById(focus);
  if (again) {
    again.focus({ preventScroll: true });
    if (selection !== undefined && again.setSelectionRange) again.setSelectionRange(selection, selection);
  }
}

function goTo() {
  draw();
  const at = state().get('at');
  const target = at && document.getElementById(at);
  if (target) target.scrollIntoView();
}

function search(id, label, key, pageKey, value) {
  return h('input', {
    type: 'search', id, 'aria-label': label, placeholder: label, value, autocomplete: 'off', spellcheck: 'false',
    input: (event) => replace({ [key]: event.target.value, [pageKey]: '' }),
  });
}

// One page of `items`, and the buttons for the others.
function paged(items, key, id) {
  const pages = Math.max(1, Math.ceil(items.length / PAGE_ROWS));
  const page = Math.min(Math.max(1, Number.parseInt(state().get(key), 10) || 1), pages);
  const go = (to) => () => { location.hash = address({ [key]: to === 1 ? '' : to }); };
  const buttons = pages === 1 ? null : h('div', { class: 'tools' },
    h('button', { id: `${id}-back`, click: go(page - 1), disabled: page === 1 }, 'Back'),
    h('span', { class: 'small' }, `page ${whole.format(page)} of ${whole.format(pages)}`),
    h('button', { id: `${id}-next`, click: go(page + 1), disabled: page === pages }, 'Next'));
  return { items: items.slice((page - 1) * PAGE_ROWS, page * PAGE_ROWS), buttons };
}

// ---- Overview ----

function head() {
  const { totals, runs } = report;
  const last = runs[0];
  const verdict = totals.inputs === 0 ? 'No inputs were processed.'
    : totals.failed === 0 ? 'All inputs completed.'
      : `${whole.format(totals.failed)} of ${count(totals.inputs, 'input')} failed.`;
  const ended = !last ? '' : last.ended === null
    ? 'goes on, or was killed' : last.ended === 'cancelled' ? 'was cancelled' : 'finished';
  return h('header', {},
    h('h1', {}, text(report.title)),
    h('p', {},
      h('strong', { id: 'verdict', class: totals.failed ? 'bad' : '' }, verdict), ' ',
      last ? h('span', { class: 'soft' }, `The last of ${count(totals.runs, 'run')} began ${time(last.started_at)} and ${ended}.`) : null));
}

// About: the middle of the step that the share falls into.
function quantile(share) {
  const { first, counts } = report.durations;
  const total = counts.reduce((sum, n) => sum + n, 0);
  let seen = 0;
  for (const [index, n] of counts.entries()) {
    seen += n;
    if (seen >= total * share) return Number((10 ** ((first + index + 0.5) / 10)).toPrecision(2));
  }
  return 0;
}

function figures() {
  const { totals, tables, durations } = report;
  const figure = (name, value, more) => h('div', {}, h('dt', {}, name), h('dd', {}, value), more ? h('dd', {}, more) : null);
  const sub = totals.inputs - totals.files;
  const ran = durations.counts.length > 0;
  return h('dl', { class: 'figures', id: 'figures' },
    figure('Inputs', whole.format(totals.inputs), sub ? `${whole.format(sub)} of them sub-content` : null),
    figure('Failed', whole.format(totals.failed),
      totals.inputs ? `${Number((totals.failed / totals.inputs * 100).toPrecision(2))} %` : null),
    figure('Rows', whole.format(totals.rows), `in ${count(tables.length, 'table')}`),
    ran ? figure('Half took less than', `≈ ${duration(quantile(0.5))}`, `99 %: ≈ ${duration(quantile(0.99))}`) : null,
    ran ? figure('The longest took', duration(durations.longest_ms)) : null,
    ran ? figure('Most memory', bytes(durations.most_memory)) : null);
}

// Stacked bars: `lower[i]` in the colour of success, `upper[i]` above it in that of failure.
function bars(lower, upper, label, title) {
  const most = Math.max(1, ...lower.map((n, i) => n + upper[i]));
  const width = 1000 / lower.length;
  const bar = (index, from, size, name) => size === 0 ? null
    : s('rect', {
      class: name, x: index * width, width: Math.max(width * 0.85, 1),
      y: 200 - (from + size) / most * 196, height: Math.max(size / most * 196, 2),
    }, s('title', {}, title(index)));
  return s('svg', { viewBox: '0 0 1000 200', preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    s('line', { class: 'axis', x1: 0, x2: 1000, y1: 200, y2: 200 }),
    lower.map((n, i) => [bar(i, 0, n, 'good'), bar(i, n, upper[i], 'bad')]));
}

function overTime(at) {
  const runs = report.runs.filter((run) => run.timeline);
  const run = runs.find((each) => String(each.id) === at.get('run')) ?? runs[0];
  if (!run) return h('p', { class: 'soft' }, 'It is not known when inputs were processed.');
  const { start, step, completed, failed: bad } = run.timeline;
  const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 19);
  const end = start + step * completed.length;
  const span = h('span', {}, 'in ' + duration(step * completed.length * 1000));
  return [
    h('div', { class: 'tools' },
      runs.length < 2 ? null : h('select', { id: 'run', 'aria-label': 'run', change: (event) => { location.hash = address({ run: event.target.value }); } },
        runs.map((each) => h('option', { value: each.id, selected: each === run }, `run ${each.id}, ${time(each.started_at)}`))),
      h('span', { class: 'small' }, h('span', { class: 'key' }), `${whole.format(run.inputs - run.failed)} completed`,
        h('span', { class: 'key failed' }), `${whole.format(run.failed)} failed`)),
    bars(completed, bad, `inputs of run ${run.id} over time: ${run.inputs - run.failed} completed, ${run.failed} failed`,
      (i) => `${clock(start + step * i)}: ${completed[i]} completed, ${bad[i]} failed`),
    h('div', { class: 'scale' }, h('span', {}, clock(start)), span, h('span', {}, `${clock(end)} UTC`)),
  ];
}

function howLong() {
  const { first, counts } = report.durations;
  if (counts.length === 0) return h('p', { class: 'soft' }, 'Nothing was executed.');
  const from = (index) => duration(10 ** ((first + index) / 10));
  return [
    h('div', { class: 'tools' }, h('span', { class: 'small soft' }, 'executions by duration, on a logarithmic scale')),
    bars(counts, counts.map(() => 0), 'executions by duration', (i) => `${from(i)} to ${from(i + 1)}: ${counts[i]}`),
    h('div', { class: 'scale' }, h('span', {}, from(0)), h('span', {}, from(counts.length))),
  ];
}

// ---- Failures ----

function failures() {
  if (report.failures.length === 0) return h('p', { class: 'soft' }, 'Nothing failed.');
  const artifacts = new Set(report.failures.map((group) => group.artifact));
  return h('div', { class: 'list' }, report.failures.map((group) => h('details', { class: 'failed' },
    h('summary', {},
      h('span', { class: 'count' }, whole.format(group.count)), status(group.status),
      h('strong', {}, group.kind === null ? '' : text(group.kind)),
      h('span', { class: 'grow soft' }, text(group.examples[0]?.message ?? '')),
      artifacts.size > 1 ? h('span', { class: 'soft small' }, text(group.artifact)) : null),
    h('div', { class: 'body' },
      group.examples.map((example) => h('div', { class: 'example' },
        h('p', {}, `${whole.format(example.count)} × `, text(example.message ?? '(no message)')),
        h('p', { class: 'small' }, h('span', { class: 'soft' }, 'such as '),
          h('a', { href: `#at=inputs&input=${example.input}`, class: 'mono' }, text(example.path))),
        example.traceback === null ? null : h('pre', {}, plain(example.traceback)))),
      group.messages > group.examples.length
        ? h('p', { class: 'soft small' }, `${count(group.messages - group.examples.length, 'other message')} in _wadup_failures`) : null))));
}

// ---- Tables ----

function order(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  const [x, y] = [a, b].map((value) => isNumber(value) ? Number(plain(value)) : plain(value));
  if (typeof x !== typeof y) return typeof x === 'number' ? -1 : 1;
  return x < y ? -1 : x > y ? 1 : 0;
}

function cell(value) {
  if (value === null) return h('td', { class: 'null' }, 'NULL');
  if (isNumber(value)) return h('td', { class: 'number' }, plain(value));
  const shown = plain(value);
  const width = shown.length <= WIDE ? 'short' : 'wide';
  if (shown.length <= LONG) return h('td', { class: width }, h('bdi', {}, shown));
  return h('td', { class: width }, h('details', {}, h('summary', {}, h('bdi', {}, shown.slice(0, LONG))), h('bdi', {}, shown)));
}

function origin(id) {
  const input = inputs.get(id);
  return h('td', { class: 'wide' }, input ? h('a', { href: `#at=inputs&input=${id}` }, pathOf(input)) : `input ${id}`);
}

function tables(at) {
  if (report.tables.length === 0) return h('p', { class: 'soft' }, 'No tables were defined.');
  const table = report.tables.find((each) => each.name === at.get('table')) ?? report.tables[0];
  const wanted = (at.get('q') ?? '').toLowerCase();
  const sort = Number.parseInt(at.get('sort'), 10);
  const column = Math.abs(sort) - 1;
  let rows = table.rows;
  if (wanted) {
    const has = (value) => plain(value).toLowerCase().includes(wanted);
    rows = rows.filter((row) => row.slice(1).some(has) || (inputs.has(row[0]) && has(inputs.get(row[0]).path)));
  }
  if (column >= 0 && column < table.columns.length) {
    rows = rows.toSorted((a, b) => Math.sign(sort) * order(a[column], b[column]));
  }
  const { items, buttons } = paged(rows, 'page', 'table');
  const heading = ({ name, type }, index) => {
    const current = column === index ? (sort > 0 ? 'ascending' : 'descending') : 'none';
    const next = current === 'ascending' ? -(index + 1) : index + 1;
    return h('th', { scope: 'col', 'aria-sort': current },
      h('button', { id: `sort-${index}`, click: () => { location.hash = address({ sort: next, page: '' }); } },
        index === 0 ? 'input' : text(name), { none: '', ascending: ' ▴', descending: ' ▾' }[current]),
      h('small', {}, index === 0 ? '' : type));
  };
  const part = table.rows.length < table.total
    ? `the first ${whole.format(table.rows.length)} of ${count(table.total, 'row')} are on this page` : count(table.total, 'row');
  return [
    report.tables.length < 2 ? h('p', {}, h('strong', {}, text(table.name))) : h('div', { class: 'tabs' }, report.tables.map((each) => h('a', {
      href: address({ table: each.name, q: '', sort: '', page: '' }), 'aria-current': each === table ? 'true' : undefined,
    }, text(each.name), ' ', h('span', { class: 'soft small' }, whole.format(each.total))))),
    h('div', { class: 'tools' },
      search('find-row', 'Find in rows', 'q', 'page', at.get('q') ?? ''),
      h('span', { class: 'soft small', id: 'table-count' }, wanted ? `${whole.format(rows.length)} found; ${part}` : part)),
    h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `rows of ${plain(table.name)}` },
      h('table', { id: 'rows' },
        h('thead', {}, h('tr', {}, table.columns.map(heading))),
        h('tbody', {}, items.map((row) => h('tr', {}, origin(row[0]), row.slice(1).map(cell)))))),
    buttons,
  ];
}

// ---- Inputs ----

function way(input) {
  const parts = [];
  for (let each = input; each; each = inputs.get(each.parent)) parts.unshift(each);
  return parts;
}

function printed(name, value) {
  return value === '' ? null : [h('p', { class: 'soft small' }, name), h('pre', {}, plain(value))];
}

function outcome(each) {
  return h('div', { class: each.status === 'completed' ? 'example' : 'example failed' },
    h('p', {}, status(each.status), ' ', each.kind === null ? null : h('strong', {}, text(each.kind)), ' ',
      each.message === null ? null : text(each.message)),
    h('p', { class: 'soft small' }, [
      each.artifact, duration(each.duration_ms), `${bytes(each.peak_memory)} of memory`,
      each.rows_dropped ? `${count(each.rows_dropped, 'row')} dropped` : null,
      each.subcontent_dropped ? `${whole.format(each.subcontent_dropped)} pieces of sub-content dropped` : null,
      each.output_dropped ? `${bytes(each.output_dropped)} of output dropped` : null,
    ].filter(Boolean).map(plain).join(' · ')),
    each.traceback === null ? null : h('pre', {}, plain(each.traceback)),
    printed('stdout', each.stdout), printed('stderr', each.stderr));
}

function item(input, flat, open) {
  const below = children.get(input.id) ?? [];
  const name = flat ? way(input).map((each, i) => [i ? ' › ' : '', pathOf(each)]) : pathOf(input);
  const worst = input.outcomes.find((each) => each.status !== 'completed')?.status ?? input.outcomes[0]?.status ?? 'completed';
  const body = () => h('div', { class: 'body' },
    facts(
      ['path', input.parent === null ? text(input.path) : null],
      ['size', input.size === null ? null : `${bytes(input.size)}`],
      ['SHA-256', input.sha256 === null ? null : h('span', { class: 'mono' }, input.sha256)],
      ['processed', input.finished_at === null ? null : `${time(input.finished_at)}, run ${input.run}`],
      ['sub-content', below.length ? count(below.length, 'piece') : null]),
    input.outcomes.map(outcome),
    below.length && !flat ? h('div', { class: 'list' }, below.map((child) => item(child, false, false))) : null);
  const element = h('details', {
    id: `input-${input.id}`, open,
    // Made when it is first looked at: there may be thousands.
    toggle: () => { if (element.open && element.children.length === 1) element.append(body()); },
  }, h('summary', {}, status(worst), h('span', { class: 'grow mono' }, name),
    below.length && !flat ? h('span', { class: 'soft small' }, `${count(below.length, 'piece')} inside`) : null,
    h('span', { class: 'soft small' }, input.size === null ? '' : bytes(input.size))));
  if (open) element.append(body());
  return element;
}

function allInputs(at) {
  const { totals } = report;
  if (totals.inputs === 0) return h('p', { class: 'soft' }, 'There are none.');
  const one = inputs.get(Number(at.get('input')));
  const wanted = (at.get('find') ?? '').toLowerCase();
  const show = at.get('show') ?? 'all';
  const flat = Boolean(one) || wanted !== '' || show === 'failed';
  let found = one ? [one] : report.inputs.filter((input) => flat || !inputs.has(input.parent));
  if (!one && show === 'failed') found = found.filter(failed);
  if (!one && wanted) found = found.filter((input) => way(input).some((each) => plain(each.path).toLowerCase().includes(wanted)));
  const { items, buttons } = paged(found, 'inputs-page', 'inputs');
  const part = report.inputs.length < totals.inputs
    ? `${whole.format(report.inputs.length)} of ${count(totals.inputs, 'input')} are on this page: the first, and the first that failed`
    : count(totals.inputs, 'input');
  return [
    h('div', { class: 'tools' },
      one ? h('a', { href: address({ input: '' }) }, 'all inputs') : [
        h('select', { id: 'show', 'aria-label': 'which inputs', change: (event) => replace({ show: event.target.value === 'all' ? '' : event.target.value, 'inputs-page': '' }) },
          h('option', { value: 'all', selected: show === 'all' }, 'all inputs'),
          h('option', { value: 'failed', selected: show === 'failed' }, 'failed ones')),
        search('find-input', 'Find by path', 'find', 'inputs-page', at.get('find') ?? '')],
      h('span', { class: 'soft small', id: 'inputs-count' }, flat && !one ? `${whole.format(found.length)} found; ${part}` : part)),
    folder && !one ? h('p', { class: 'soft small' }, 'in ', h('bdi', { class: 'mono' }, folder)) : null,
    h('div', { class: 'list', id: 'inputs-list' }, items.map((input) => item(input, flat, Boolean(one)))),
    buttons,
  ];
}

// ---- Runs ----

function artifact({ name, version, digest, manifest }) {
  const packages = Object.entries(manifest?.packages ?? {}).map((entry) => entry.join(' ')).join(', ');
  const start = { snapshot: 'snapshot: interpreter started, project imported', cold: 'cold: every input starts the interpreter' };
  return h('div', { class: 'example' },
    h('p', {}, h('strong', {}, text(name)), ' ', text(version ?? '')),
    facts(
      ['Python', manifest?.python], ['entry point', manifest && text(manifest.entry_point)], ['start', manifest && start[manifest.start]],
      ['packages', packages && text(packages)], ['native', manifest && text((manifest.extensions ?? []).join(', '))],
      ['hash seed', manifest?.hash_seed === null ? null : manifest?.hash_seed],
      ['digest', h('span', { class: 'mono' }, text(digest))]));
}

function runs() {
  if (report.runs.length === 0) return h('p', { class: 'soft' }, 'There are none.');
  const ended = (run) => run.ended === null ? 'did not end' : run.ended;
  return [
    h('div', { class: 'list' }, report.runs.map((run) => h('details', {},
      h('summary', {}, h('strong', {}, `run ${run.id}`), h('span', { class: 'grow' }, time(run.started_at)),
        h('span', { class: 'soft small' }, `${count(run.inputs, 'input')}, ${whole.format(run.failed)} failed, ${ended(run)}`)),
      h('div', { class: 'body' },
        facts(['started', time(run.started_at)], ['finished', time(run.finished_at)], ['wadup', run.version]),
        (Array.isArray(run.artifacts) ? run.artifacts : []).map(artifact),
        h('p', { class: 'soft small' }, 'settings'), h('pre', {}, plain(JSON.stringify(run.settings, null, 2))))))),
    report.totals.runs > report.runs.length
      ? h('p', { class: 'soft small' }, `The latest ${whole.format(report.runs.length)} of ${count(report.totals.runs, 'run')}.`) : null,
  ];
}

// ---- The page ----

const charts = h('div', { class: 'charts' }, section('time', 'Over time', overTime), section('durations', 'How long', howLong));
const rest = [
  section('failures', 'What failed', failures), section('tables', 'Tables', tables),
  section('inputs', 'Inputs', allInputs), section('runs', 'Runs and artifacts', runs),
];
document.getElementById('page').append(
  head(),
  h('nav', { 'aria-label': 'sections' }, sections.map(({ id, title }) => h('a', { href: `#at=${id}`, click: (event) => {
    event.preventDefault();
    location.hash = address({ at: id });
    document.getElementById(id).scrollIntoView();
  } }, title))),
  figures(), charts, ...rest,
  h('footer', { class: 'soft small' }, h('p', {}, `Made by wadup ${report.version}. Nothing on this page is loaded from anywhere, or sent.`)));
addEventListener('hashchange', goTo);
goTo();
