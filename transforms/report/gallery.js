'use strict'
const by = id => document.getElementById(id)
const { classes, scores, pictures } = JSON.parse(by('data').textContent)
const bar = document.querySelector('.bar'), find = by('find'), which = by('which'), order = by('order'), layer = by('layer'), blend = by('blend')
const count = by('count'), grid = by('pictures'), end = by('end'), large = by('large')

const make = (name, properties, ...children) => {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children.filter(child => child))
  return made
}
const percent = v => v === null ? '–' : (100 * v).toFixed(1) + ' %'
// A text of words with a space before each, so that a word is found by its beginning.
const plain = text => ' ' + text.toLowerCase().replace(/[^\p{L}\p{M}\p{N}'’]+/gu, ' ').trim()
const cards = pictures.map((p, place) => ({
  p, place, caption: p.caption || '',
  text: plain([p.caption, p.mark, p.images > 1 ? p.images + ' images' : '', p.fault, p.title, p.key].join(' ')),
  shares: new Map((p.shares || []).map(s => [s.class, s.share])),
}))
let chosen = -1 // the class, -1 for any
let list = cards, drawn = 0

const score = (c, i) => c.p.scores && c.p.scores[i] !== null ? c.p.scores[i] : 2
const share = c => c.shares.get(chosen) || 0
const orders = [['path', 'by path', () => 0]]
scores?.forEach((name, i) => orders.push(['score' + i, 'lowest ' + name + ' first', (a, b) => score(a, i) - score(b, i)]))
if (classes) orders.push(['share', 'most of a chosen class first', (a, b) => share(b) - share(a)])
if (cards.some(c => c.caption)) {
  orders.push(['short', 'shortest caption first', (a, b) => a.caption.length - b.caption.length],
    ['long', 'longest caption first', (a, b) => b.caption.length - a.caption.length])
}
if (cards.some(c => c.p.images > 1)) {
  orders.push(['repeated', 'most repeated caption first', (a, b) => b.p.images - a.p.images || (a.caption < b.caption ? -1 : a.caption > b.caption ? 1 : 0)])
}
order.append(...orders.map(([value, text]) => make('option', { value, text })))

// The choices and how many images each has; rejects are shown where they are asked for.
const wanted = { all: c => !c.p.reject, rejects: c => c.p.reject }
const choices = (values, title, test) => {
  const numbers = new Map()
  for (const v of values) if (v) numbers.set(v, (numbers.get(v) || 0) + 1)
  const options = [...numbers].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([v, n]) => {
    wanted[title + v] = c => test(c) === v
    return make('option', { value: title + v, text: v + ' (' + n + ')' })
  })
  return options.length && make('optgroup', { label: title }, ...options)
}
const good = cards.filter(wanted.all), bad = cards.length - good.length
which.append(make('option', { value: 'all', text: 'all images (' + good.length + ')' }),
  ...[choices(good.map(c => c.p.subset), 'subset', c => !c.p.reject && c.p.subset),
    bad && make('option', { value: 'rejects', text: 'all rejects (' + bad + ')' }),
    bad && choices(cards.map(c => c.p.reject), 'rejects', c => c.p.reject)].filter(o => o))
which.hidden = which.length < 2

const swatch = k => {
  const s = make('span', { className: 'swatch' })
  s.style.background = 'rgb(' + classes[k].color + ')'
  return s
}
const chips = (classes || []).map((c, k) => {
  const chip = make('button', { type: 'button' }, swatch(k), ' ' + c.name + ' ', make('span', { textContent: cards.filter(o => o.shares.has(k)).length }))
  chip.onclick = () => {
    chosen = chosen === k ? -1 : k
    chips.forEach((other, i) => other.setAttribute('aria-pressed', i === chosen))
    show()
  }
  chip.setAttribute('aria-pressed', false)
  by('classes').lastElementChild.append(make('li', {}, chip))
  return chip
})
if (classes) by('classes').open = innerWidth > 700

const names = [...new Set(pictures.flatMap(p => (p.layers || []).map(l => l.name)))]
layer.append(make('option', { value: '', text: 'image alone' }), ...names.map(name => make('option', { value: name, text: 'with ' + name })))
layer.value = names[0] || ''
by('over').hidden = !names.length

const jpeg = p => make('img', { src: 'data:image/jpeg;base64,' + p.jpeg, alt: '', width: p.width, height: p.height })
const png = l => 'data:image/png;base64,' + l.png
const covered = c => {
  const l = (c.p.layers || []).find(l => l.name === layer.value)
  c.cover.hidden = !l
  if (l) c.cover.src = png(l)
}
const figures = p => (p.scores || []).map((v, i) => v === null ? '' : scores[i] + ' ' + percent(v)).filter(text => text).join(' · ')
const draw = c => {
  if (c.card) return c.card
  const p = c.p
  c.cover = make('img', { className: 'cover', alt: '', hidden: true })
  const open = p.jpeg && make('button', { type: 'button', className: 'stack' }, jpeg(p), c.cover)
  if (open) {
    open.setAttribute('aria-label', 'Larger: ' + p.title)
    open.onclick = () => enlarge(c)
  }
  const text = figures(p)
  return c.card = make('figure', { className: 'picture' }, open || make('p', { className: 'fault', textContent: p.fault }),
    make('figcaption', {}, p.caption, p.mark && ' ', p.mark && make('mark', { textContent: p.mark }),
      p.images > 1 && ' ', p.images > 1 && make('mark', { textContent: p.images + ' images' }),
      text && make('span', { className: 'scores', textContent: text }), make('small', { textContent: p.title })))
}
const more = n => {
  const next = list.slice(drawn, drawn + n)
  drawn += next.length
  for (const c of next) {
    draw(c)
    covered(c)
  }
  grid.append(...next.map(c => c.card))
}
const show = () => {
  const terms = find.value.split(/\s+/).filter(term => plain(term) !== ' ')
  const test = wanted[which.value]
  list = cards.filter(c => test(c) && (chosen < 0 || c.shares.has(chosen)) &&
    terms.every(term => term.startsWith('-') ? !c.text.includes(plain(term.slice(1))) : c.text.includes(plain(term))))
  const compare = orders.find(([value]) => value === order.value)[2]
  list.sort((a, b) => compare(a, b) || a.place - b.place)
  count.textContent = (list.length === cards.length ? '' : list.length + ' of ') + cards.length + ' images'
  drawn = 0
  grid.replaceChildren()
  more(60)
  watch()
}
// Cards are drawn before their place comes into view.
const seen = new IntersectionObserver(entries => {
  if (!entries[0].isIntersecting || drawn === list.length) return
  more(60)
  watch()
}, { rootMargin: '1500px' })
const watch = () => {
  seen.unobserve(end)
  seen.observe(end)
}

const enlarge = c => {
  const p = c.p, of = text => make('figcaption', { textContent: text })
  const shares = [...c.shares].sort((a, b) => b[1] - a[1])
  const close = make('button', { type: 'button', className: 'close', textContent: 'Close' })
  close.onclick = () => large.close()
  large.replaceChildren(close, make('h2', { id: 'large-title', textContent: p.title }),
    make('p', { textContent: [p.subset, p.key, figures(p)].filter(text => text).join(' · ') }), p.caption && make('p', { textContent: p.caption }),
    make('div', { className: 'sides' }, make('figure', {}, jpeg(p), of('image')),
      ...(p.layers || []).map(l => make('figure', {}, make('img', { className: 'layer', src: png(l), alt: '', width: p.width, height: p.height }), of(l.name)))),
    shares.length && make('ul', { className: 'legend' }, ...shares.map(([k, v]) => make('li', {}, swatch(k), classes[k].name + ' ' + percent(v)))))
  if (!large.open) large.showModal()
  large.scrollTop = 0
  large.onkeydown = event => {
    const to = list[list.indexOf(c) + ({ ArrowRight: 1, ArrowLeft: -1 }[event.key] || NaN)]
    if (to && to.p.jpeg) enlarge(to)
  }
}
large.onclick = event => event.target === large && large.close() // beside it

find.addEventListener('input', show)
which.addEventListener('change', show)
order.addEventListener('change', show)
layer.addEventListener('change', () => list.slice(0, drawn).forEach(covered))
const cover = () => grid.style.setProperty('--cover', blend.value / 100)
blend.addEventListener('input', cover)
bar.addEventListener('submit', event => event.preventDefault())
for (const button of document.querySelectorAll('[data-word]')) {
  button.disabled = false
  button.addEventListener('click', () => {
    find.value = button.dataset.word
    show()
    bar.scrollIntoView()
  })
}
addEventListener('beforeprint', () => more(Infinity))
bar.hidden = false
cover()
show()
