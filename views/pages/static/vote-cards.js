// Makes the ballot of small JSON, as the server's template makes it: a test holds the two together.
// Nothing is asked for or kept here: a card and the texts in, elements out.

const ICONS = {
  agree: "m4.5 12.8 4.8 4.9L19.5 7", disagree: "M6 6l12 12M18 6 6 18", neutral: "M5 12h14",
};
const CHOICES = Object.keys(ICONS);
const PER_CHOICE = 3; // Qualifications, in the order of the texts.
const SVG = "http://www.w3.org/2000/svg";
const language = document.documentElement.lang;
const numbers = new Intl.NumberFormat(language);
const percents = new Intl.NumberFormat(numbers.resolvedOptions().locale, { style: "percent" });
const plurals = new Intl.PluralRules(language);

const maker = (make) => (name, attributes = {}, ...children) => {
  const element = make(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false && value !== null) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child || child === ""));
  return element;
};
const html = maker((name) => document.createElement(name));
const svg = maker((name) => document.createElementNS(SVG, name));

const filled = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
const counted = ([one, many], count) => filled(
  plurals.select(count) === "one" ? one : many, { count: numbers.format(count) });

function icon(name) {
  return svg("svg", {
    class: "icon", width: 24, height: 24, viewBox: "0 0 24 24", "aria-hidden": "true",
    focusable: "false",
  }, svg("path", { d: ICONS[name] }));
}

function share(percent, count, base) {
  if (count && !percent) return `<\u00a0${percents.format(0.01)}`;
  if (count < base && percent === 100) return `>\u00a0${percents.format(0.99)}`;
  return percents.format(percent / 100);
}

// Whether a card is one that is made here; what is rare, the server's page shows.
export const isUsual = (card) => Boolean(card) && !card.needs_page;

// The qualifications that belong to a choice.
export function qualificationsOf(texts, choice) {
  const first = CHOICES.indexOf(choice) * PER_CHOICE;
  return Object.keys(texts.qualifications).slice(first, first + PER_CHOICE);
}

// The next card in turn that nothing was done with.
export function nextOf(booth, card) {
  const at = booth.sequence.indexOf(card.id) + 1;
  const found = booth.sequence.slice(at).find((id) => !booth.cards.get(id)?.acts);
  return booth.cards.get(found) ?? null;
}

export const pathOf = (booth, card) => `${booth.address}?${new URLSearchParams({
  proposal: card.id })}`;

// What is said of a card once it is recorded.
export function spokenOf({ texts }, card) {
  if (!card.choice) return card.acts ? texts.withdrawn : "";
  const also = qualificationsOf(texts, card.choice)
    .filter((name) => card.qualifications.includes(name))
    .map((name) => `, ${texts.qualifications[name]}`);
  return filled(texts.recorded, { choice: texts.choices[card.choice] }) + also.join("");
}

export function titleOf({ texts }, card) {
  const question = document.querySelector("h1.question").textContent.trim();
  const own = card.choice
    ? `${filled(texts.title_choice, { choice: texts.choices[card.choice] })} · `
    : card.acts ? `${texts.withdrawn} · ` : "";
  return `${own}${filled(texts.title, { question })} · scrutin`;
}

// What progress says of a card in turn; empty of another one.
export function placeOf({ texts, sequence }, card) {
  const at = sequence.indexOf(card.id);
  return at < 0 ? "" : filled(texts.progress, {
    place: numbers.format(at + 1), count: numbers.format(sequence.length) });
}

// The whole ballot of a card.
export function ballotOf(booth, card, key, shown) {
  return html("div", {
    id: "ballot", "data-first": booth.first, "data-path": pathOf(booth, card),
    "data-spoken": spokenOf(booth, card),
  }, progress(booth, card), html("article", { class: "ballot" }, ...words(booth, card),
    form(booth, card, key, shown)),
  card.choice && sharesOf(booth, card), receipt(booth, card), invitation(booth, card));
}

function progress(booth, card) {
  const said = placeOf(booth, card);
  if (!said) return null;
  const steps = booth.sequence.map((id) => html("span", { class: [
    booth.cards.get(id)?.choice ? "done" : "", id === card.id ? "here" : "",
  ].filter(Boolean).join(" ") }));
  return html("div", { class: "progress" }, html("p", {}, said),
    html("div", { class: "steps", "aria-hidden": "true" }, ...steps));
}

function words({ texts }, card) {
  const text = card.language === null ? html("code", {}, card.text) : html(
    "bdi", { lang: card.language === language ? null : card.language }, card.text);
  const heading = html("h2", { id: "proposal", tabindex: "-1" }, text);
  if (!card.author) return [heading];
  const { name, kind, age_band: band } = card.author;
  const more = kind === "organisation" ? [", ", texts.organisation] : band ? [", ", age(texts, band)] : [];
  return [heading, html("p", { class: "author" }, html("bdi", {}, name), ...more)];
}

function age(texts, band) {
  if (band.endsWith("+")) return filled(texts.age_and_over, { age: band.slice(0, -1) });
  if (band.startsWith("<")) return filled(texts.age_under, { age: band.slice(1) });
  if (/^\p{Nd}/u.test(band)) return filled(texts.age_years, { band: band.replaceAll("-", "–") });
  return html("bdi", {}, band);
}

function form(booth, card, key, shown) {
  const { texts } = booth;
  const hidden = { proposal: card.id, proof: card.proof, key, shown };
  return html("form", { method: "post", action: booth.address },
    ...Object.entries(hidden).map(([name, value]) => html("input", { type: "hidden", name, value })),
    html("fieldset", { class: "choices" }, html("legend", { class: "unseen" }, texts.opinion),
      ...CHOICES.map((name) => pressed(
        name, `act-${name}`, `choice ${name}`, name === card.choice, icon(name),
        texts.choices[name]))),
    card.choice ? qualifications(texts, card) : card.acts ? outcome(texts, card) : null,
    onward(booth, card));
}

function pressed(value, id, kind, isPressed, picture, said) {
  return html("button", { name: "act", value, id, class: kind, "aria-pressed": String(isPressed) },
    picture, html("span", {}, said));
}

function qualifications(texts, card) {
  return html("fieldset", { class: "qualifications" }, html("legend", {}, texts.say_more),
    ...qualificationsOf(texts, card.choice).map((name) => {
      const held = card.qualifications.includes(name);
      return pressed(`${held ? "-" : "+"}${name}`, `act-${name}`, `qualification ${card.choice}`,
        held, icon("agree"), texts.qualifications[name]);
    }));
}

const quiet = (value, id, said) => html(
  "button", { name: "act", value, id, class: "quietly" }, said);

function outcome(texts, card) {
  const again = card.before && quiet(card.before, "act-undo", filled(
    texts.vote_again, { choice: texts.choices[card.before] }));
  return html("p", { class: "outcome" }, texts.outcome, again && " ", again);
}

function onward(booth, card) {
  const { texts } = booth;
  const next = nextOf(booth, card);
  const isBack = card.choice && card.before && card.before !== card.choice;
  return html("div", { class: "onward" },
    html("a", {
      class: card.acts ? "button primary" : "quietly", id: "next",
      href: next ? `${pathOf(booth, next)}#proposal` : `${booth.address}/mine`,
    }, !card.acts ? texts.skip : next ? texts.next : texts.go_on),
    card.choice && quiet("withdraw", "act-withdraw", texts.withdraw),
    isBack && quiet(card.before, "act-undo", filled(
      texts.back_to, { choice: texts.choices[card.before] })));
}

// What everybody votes, as far as it is known.
export function sharesOf(booth, card) {
  const { texts } = booth;
  const found = card.shares;
  const embargo = document.getElementById("embargo");
  const said = embargo ? [embargo.content.cloneNode(true)] : found ? split(texts, card) : [];
  const last = !card.counted ? [texts.in_a_moment, " ", html(
    "a", { href: pathOf(booth, card) }, texts.look_again)]
    : !embargo && !found ? [texts.none_counted] : null;
  return html("section", {
    class: "shares", "data-waiting": !card.counted, "aria-labelledby": "shares-title",
  }, html("h3", { id: "shares-title" }, texts.everybody), ...said,
  last && html("p", { class: "quiet" }, ...last),
  html("p", { class: "quiet" }, html("a", { href: sharedOf(booth, card) }, texts.its_page)));
}

// The page of a proposal, outside of the booth.
const sharedOf = ({ address }, { id }) => (
  `${address.replace(/\/vote$/, "")}/proposal?${new URLSearchParams({ id })}`);

function split(texts, card) {
  const { votes, counts, percents: whole } = card.shares;
  let start = 0;
  const parts = CHOICES.map((name, place) => {
    const width = (counts[place] * 100) / votes;
    const part = svg("rect", {
      class: name, x: `${start.toFixed(3)}%`, width: `${width.toFixed(3)}%`, height: 20 });
    start += width;
    return part;
  });
  const hidden = { "aria-hidden": "true", focusable: "false" };
  const lines = CHOICES.map((name, place) => html("li", {
    class: "measure", "data-live-choice": name,
  }, svg("svg", { class: "swatch", width: 14, height: 14, ...hidden },
    svg("rect", { class: name, width: 14, height: 14 })),
  html("span", { class: "name" }, texts.choices[name]),
  whole && " ", whole && html("span", { class: "value" }, share(
    whole[place], counts[place], votes)), " ", of(texts, counts[place])));
  const own = card.counted ? `, ${texts.yours}` : ".";
  return [html("div", { class: "card" },
    svg("svg", { class: "bar split", width: "100%", height: 20, ...hidden }, ...parts),
    html("ul", { class: "legend" }, ...lines)),
  whole && html("p", { class: "quiet rounded" }, texts.rounded),
  html("p", { class: "quiet" }, counted(texts.counted, votes) + own)].filter(Boolean);
}

function of(texts, count) {
  const [one, many] = texts.vote;
  const [before, after] = (plurals.select(count) === "one" ? one : many).split("%(count)s");
  return html("span", { class: "of" }, before, html(
    "span", { class: "number" }, numbers.format(count)), after);
}

function receipt({ texts, address }, card) {
  if (!card.acts || card.last < 0) return null;
  const place = new URLSearchParams({ partition: card.partition, offset: card.last });
  const receipts = `${address.replace(/\/widget\/\d+$/, "/vote")}/receipts`;
  const outward = receipts.startsWith(address) ? {} : { target: "_blank", rel: "noopener" };
  return html("p", { class: "receipt" },
    html("a", {
      href: `${address}/receipts/${card.partition}-${card.last}.json`, download: true,
    }, texts.receipt), " ",
    html("a", { href: `${receipts}?${place}`, ...outward }, texts.check), " ",
    html("a", { href: receipts, ...outward }, texts.good_for));
}

function invitation({ texts, address, described }, card) {
  if (!card.choice || described) return null;
  return html("aside", { class: "invitation", "aria-labelledby": "invitation-title" },
    html("h3", { id: "invitation-title" }, texts.who), html("p", {}, texts.who_asks),
    html("form", { method: "post", action: `${address}/you` },
      html("a", { class: "button", href: `${address}/you` }, texts.answer),
      quiet("decline", null, texts.decline)));
}
