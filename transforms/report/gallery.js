'use strict'
const bar = document.querySelector('.bar'), find = document.getElementById('find'), order = document.getElementById('order')
const count = document.getElementById('count'), grid = document.getElementById('pictures')
// A text of words with a space before each, so that a word is found by its beginning.
const plain = text => ' ' + text.toLowerCase().replace(/[^\p{L}\p{M}\p{N}'’]+/gu, ' ').trim()
const cards = Array.from(grid.children, (card, place) => {
  const caption = card.querySelector('figcaption').firstChild.data.trim()
  return { card, place, text: plain(card.textContent), length: caption.length, images: Number(card.dataset.images), caption }
})
const orders = {
  path: () => 0,
  short: (a, b) => a.length - b.length,
  long: (a, b) => b.length - a.length,
  repeated: (a, b) => b.images - a.images || (a.caption < b.caption ? -1 : a.caption > b.caption ? 1 : 0),
}
const filter = () => {
  const terms = find.value.split(/\s+/).filter(term => plain(term) !== ' ')
  let shown = 0
  for (const c of cards) {
    const wanted = terms.every(term => term.startsWith('-') ? !c.text.includes(plain(term.slice(1))) : c.text.includes(plain(term)))
    c.card.hidden = !wanted
    if (wanted) shown++
  }
  count.textContent = shown === cards.length ? shown + ' images' : shown + ' of ' + cards.length + ' images'
}
find.addEventListener('input', filter)
order.addEventListener('change', () => {
  const by = orders[order.value]
  grid.append(...cards.toSorted((a, b) => by(a, b) || a.place - b.place).map(c => c.card))
})
bar.addEventListener('submit', event => event.preventDefault())
for (const button of document.querySelectorAll('[data-word]')) {
  button.disabled = false
  button.addEventListener('click', () => {
    find.value = button.dataset.word
    filter()
    bar.scrollIntoView()
  })
}
bar.hidden = false
filter()
