// The booth by /v1. Theory of operation: all proposals in turn are here at once, as small JSON; each
// act goes to /v1, whose answer goes on with what everybody votes, and the ballot is made in the
// browser (vote-cards.js). The booth's pages are told later what was done, of many acts at once, by
// the notes that the answers bear. What this cannot do (something is to be confirmed, /v1 refuses) the forms of vote.js do, which brings
// this and is handed over as `page`.

const ANSWER_MILLISECONDS = 15_000;
const LOOKS = 10; // Then the link under the vote is enough: something holds the count up.
const LOOK_MILLISECONDS = 1_000;
const DOUBLE_CLICK_MILLISECONDS = 500; // A ballot so young was not read; the server says the same.
const LEAVE_MILLISECONDS = 2_000; // Who goes on waits no longer; it is told as the page is left.
const UNREADABLE = 400;
const GATHERED_MOST = 24; // Acts that are told at once: of a usual sequence all but the first.
const GATHERED_MILLISECONDS = 60_000; // Nobody hears of an act for so long, at most.

let page = null;
let booth = null; // Cards and texts, once they are here, and what makes ballots of them.
let telling = null;
let saying = 0; // Of what is told, what is on its way and not waiting for its turn.
let asksAnyway = false;
let leaving = null;
let gathered = 0; // The timer of what is told with later acts.
let resuming = null; // While an act that an earlier page began is sent again.

// Whether the cards are here.
export const isOpen = () => Boolean(booth);

// Ends once nothing of an earlier page is on its way: what is said now is to come after it.
export const settled = () => resuming;

const isJson = (answer) => /^application\/(problem\+)?json\b/.test(
  answer?.headers.get("content-type") ?? "");

// Gives the JSON of an answer; null where it is none, or no object. Whose it is the callers see by
// what is in it: what stands between us and the service may answer in JSON, too.
async function jsonOf(answer) {
  const found = isJson(answer) ? await answer.json().catch(() => null) : null;
  return typeof found === "object" ? found : null;
}

// Gives the texts of a JSON sequence (RFC 7464) one by one, as they come; null where none does.
function textsOf(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  const text = async () => {
    while (!held.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) return null;
      held += value;
    }
    const [first] = held.split("\n", 1);
    held = held.slice(first.length + 1);
    return JSON.parse(first.replace("\x1e", ""));
  };
  return () => text().catch(() => null);
}

// Gives the receipt of an act, with what comes later, or the problem that refused it.
async function receiptOf(answer) {
  const isSequence = answer?.headers.get("content-type")?.startsWith("application/json-seq");
  const texts = isSequence && answer.body ? textsOf(answer) : null;
  const found = await (texts ? texts() : jsonOf(answer));
  const ours = answer?.status === 202 ? Number.isInteger(found?.offset) && "trust" in found
    : typeof found?.type === "string";
  return ours ? { ...found, later: texts?.() } : null;
}

// Gives the cards of an answer, at least one.
async function givenOf(answer) {
  const found = answer?.ok ? await jsonOf(answer) : null;
  const isCard = (card) => typeof card?.id === "string" && typeof card.text === "string";
  const cards = Array.isArray(found?.cards) ? found.cards : [];
  return cards.length && cards.every(isCard) ? found : null;
}

const asked = (address, milliseconds) => fetch(
  address, { signal: AbortSignal.timeout(milliseconds) }).catch(() => null);

// The cards in turn as they are now, that of a proposal first.
async function cardsNow(proposal, milliseconds) {
  const address = page.ballot().querySelector("form").getAttribute("action");
  const query = new URLSearchParams({ proposal });
  const answer = await page.alone(() => asked(`${address}/cards?${query}`, milliseconds));
  const given = await givenOf(answer);
  return Array.isArray(given?.sequence) ? given : null;
}

// Takes cards and texts, and what makes ballots of them; where one does not come, forms go on.
export async function load(shown) {
  page = shown;
  const form = page.ballot()?.querySelector("form [name=proposal]")?.form;
  if (!form) return;
  const { cards, acts, texts } = page.trouble.dataset;
  const parts = await Promise.all([
    import(cards), import(acts), asked(texts, ANSWER_MILLISECONDS).then(jsonOf),
    cardsNow(form.elements.proposal.value, ANSWER_MILLISECONDS),
  ]).catch(() => []);
  const given = parts[3];
  if (!parts[2]?.choices || !given?.known) return;
  booth = {
    makes: parts[0], acts: parts[1], texts: parts[2], address: form.getAttribute("action") };
  try {
    take(given);
    booth.cards.get(form.elements.proposal.value).proof = form.elements.proof.value;
  } catch {
    booth = null; // They are not what they say that they are.
    return;
  }
  resuming = resume().catch(() => null).finally(() => { resuming = null; });
  await resuming;
  const card = booth.cards.get(page.ballot().querySelector("[name=proposal]")?.value);
  if (booth.makes.isUsual(card) && !isShown(card)) showCard(card);
}

// Whether the page shows what the booth knows of a card: what it was told while the page was on its
// way the page does not.
function isShown(card) {
  const pressed = [...page.ballot().querySelectorAll("[aria-pressed=true]")]
    .map((button) => button.value.replace(/^-/, ""));
  const known = card.choice ? [card.choice, ...card.qualifications] : [];
  const isWithdrawn = Boolean(page.ballot().querySelector(".outcome"));
  return pressed.length === known.length && known.every((name) => pressed.includes(name))
    && isWithdrawn === Boolean(card.acts && !card.choice);
}

// A proof of this moment for the first vote of all, with the cards as they are now; nothing where it
// does not come in time, or the browser keeps no name of ours.
export async function renewed(proposal, milliseconds) {
  const given = await cardsNow(proposal, milliseconds);
  const proof = given?.known && given.cards[0].proof;
  if (proof) take(given);
  return proof;
}

// Takes all cards in turn.
function take(given) {
  booth.cards = new Map(given.cards.map((card) => [card.id, card]));
  booth.sequence = given.sequence;
  booth.described = given.described;
  booth.first = !given.cards.some((card) => card.acts) && "first" in page.ballot().dataset;
  Object.assign(given.cards[0], { shares: given.shares, counted: given.counted });
}

// Whether a form is sent by /v1: an act on a card that has nothing to confirm.
export function isUsual(fields) {
  const card = booth?.cards.get(fields.get("proposal"));
  return Boolean(card) && !card.needs_page && !page.ballot().querySelector(".aside");
}

// Does what a form says; null where no answer came, a page where there is one to show.
export async function act(form, fields) {
  const word = fields.get("act");
  const isYoung = page.shownMilliseconds() < DOUBLE_CLICK_MILLISECONDS;
  if (word.startsWith("-") && isYoung) return {}; // A second click of the one that said it.
  const card = booth.cards.get(fields.get("proposal"));
  const request = booth.acts.requestOf(booth, card, booth.makes.nextOf(booth, card), fields);
  booth.acts.begin(booth.address, request);
  const said = await ask(request);
  if (!said) return null;
  booth.acts.end(booth.address);
  // What is refused there is refused here too, and the page says why.
  if (said.answer.status !== 202) return page.send(form, fields);
  return recorded(request, said.found);
}

const ask = ({ address, method, key, body }) => page.insist(() => fetch(address, {
  method,
  headers: {
    accept: "application/json", "idempotency-key": key,
    ...(body ? { "content-type": "application/json" } : {}),
  },
  ...(body ? { body: JSON.stringify(body) } : {}),
  signal: AbortSignal.timeout(ANSWER_MILLISECONDS),
}), receiptOf);

// Shows what was recorded; gives the page of what has something to confirm.
async function recorded({ proposal, word, next }, said) {
  const card = booth.cards.get(proposal);
  if (said.note) booth.acts.note(booth.address, said.note);
  if (said.trust !== "trusted") return confirmed(card, said.challenge);
  booth.acts.apply(card, word, said);
  booth.first = false;
  const following = booth.cards.get(next);
  if (said.next_proof && following) Object.assign(following, {
    proof: said.next_proof, dated: true });
  page.trouble.hidden = true;
  if (page.ballot().querySelector("[name=proposal]").value === proposal) showCard(card);
  gather();
  if (card.choice && !booth.acts.isBeside(word)) hear(card, said.later);
  return {};
}

// Shows what everybody votes once it comes with the answer of a vote; what does not come is asked for.
async function hear(card, later) {
  const { cast } = card;
  const found = await later;
  if (card.cast !== cast) return; // Another choice, since, whose own answer says it.
  if (typeof found?.counted === "boolean") {
    Object.assign(card, { shares: found.shares, counted: found.counted });
    showShares(card);
  }
  if (!card.counted) tell();
}

// The page of a vote that waits for a check, or has to be confirmed.
async function confirmed(card, challenge) {
  const path = booth.makes.pathOf(booth, card);
  const notes = booth.acts.notes(booth.address);
  const said = await page.insist(
    () => say(notes, card.id, challenge), (answer) => heard(notes, answer));
  if (!said) return null;
  if (said.found instanceof Document) return { page: said.found, url: path };
  const shown = await page.insist(() => asked(path, ANSWER_MILLISECONDS), page.pageOf);
  return shown && { page: shown.found, url: path };
}

function showCard(card, isTurned = false) {
  const { makes, acts } = booth;
  const fresh = makes.ballotOf(booth, card, acts.newKey(), page.now());
  document.title = makes.titleOf(booth, card);
  for (const link of document.querySelectorAll("[hreflang]")) {
    const language = new URL(link.href).searchParams.get("lang");
    link.href = makes.pathOf(booth, card) + (language ? `&lang=${language}` : "");
  }
  page.put(fresh);
  if (!isTurned) return;
  document.getElementById("proposal").focus();
  page.spoken.textContent = makes.placeOf(booth, card);
}

// Shows another card. Its proof is of the moment it is shown: of the act before, or asked for now.
function turn(card) {
  page.trouble.hidden = true;
  showCard(card, true);
  if (!card.dated || card.acts) tell(true);
  card.dated = false;
}

// Tells the booth's pages what was done, and which card is shown. Who leaves waits for no other tab.
const say = (notes, proposal, challenge = null, alone = page.alone) => alone(() => {
  saying += 1;
  return fetch(`${booth.address}/cards`, {
    method: "POST", headers: { "content-type": "application/json" }, keepalive: true,
    body: JSON.stringify({ notes, proposal, ...(challenge ? { challenge } : {}) }),
    signal: AbortSignal.timeout(ANSWER_MILLISECONDS),
  }).finally(() => { saying -= 1; });
});

// Gives the cards or the page that the booth answers; null where it is of somebody else, who has
// told the booth nothing. What the booth cannot read it never will.
async function heard(notes, answer) {
  const found = isJson(answer) && answer.ok ? await givenOf(answer) : await page.pageOf(answer);
  const isTold = answer?.ok || answer?.status === UNREADABLE;
  if (found && isTold) {
    booth.acts.told(booth.address, notes);
    booth.hasHeard ||= notes.length > 0;
  }
  return found;
}

const told = (notes, proposal, alone = page.alone) => say(notes, proposal, null, alone)
  .then((answer) => heard(notes, answer)).catch(() => null);

export function tell(anyway = false) {
  if (!booth) return null;
  clearTimeout(gathered);
  asksAnyway ||= anyway;
  telling ??= tellAll().finally(() => { telling = null; });
  return telling;
}

// Tells of the first act at once, for the sequence that was drawn is recorded with it; of the others
// together: when there are many, after a while, and before this page is left.
function gather() {
  if (!booth.hasHeard || booth.acts.notes(booth.address).length >= GATHERED_MOST) tell();
  else {
    clearTimeout(gathered);
    gathered = setTimeout(tell, GATHERED_MILLISECONDS);
  }
}

async function tellAll() {
  const waits = () => page.ballot()?.querySelector("[data-waiting]");
  for (let looks = 0; looks < LOOKS; looks += 1) {
    const notes = booth.acts.notes(booth.address);
    if (!asksAnyway && !notes.length && !waits()) return;
    const proposal = page.ballot()?.querySelector("[name=proposal]")?.value;
    if (!proposal) return;
    asksAnyway = false;
    const given = await told(notes, proposal);
    if (given?.cards) update(given);
    const more = booth.acts.notes(booth.address).length;
    if ((!given?.cards && more) || (!more && waits())) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
    }
  }
}

// Takes a fresh proof and what everybody votes; what else the page shows stays as it is.
function update({ cards: [fresh], shares, counted, described }) {
  const card = booth.cards.get(fresh.id);
  booth.described = described;
  if (!card || page.isSending()) return;
  Object.assign(card, { proof: fresh.proof, shares, counted });
  const shown = page.ballot()?.querySelector("[name=proposal]");
  if (shown?.value !== fresh.id) return;
  shown.form.elements.proof.value = fresh.proof;
  showShares(card);
}

function showShares(card) {
  const held = page.ballot()?.querySelector(".shares");
  const shown = page.ballot()?.querySelector("[name=proposal]")?.value;
  if (held && shown === card.id && card.choice && !held.contains(document.activeElement)) {
    held.replaceWith(booth.makes.sharesOf(booth, card));
  }
}

// Ends what this tab had begun before it was loaded: an act that may not have arrived is sent again
// as it was, unless more was done with its proposal since, in another tab; and what the page does not
// know of, for nobody had told it, it shows now.
async function resume() {
  const { acts, address } = booth;
  const begun = acts.sending(address);
  const isPast = booth.cards.get(begun?.proposal)?.acts > begun?.acts;
  if (isPast) acts.end(address);
  const request = isPast ? null : begun;
  const isBehind = request || acts.notes(address).length;
  if (request) {
    const said = await ask(request);
    if (!said) return;
    acts.end(address);
    page.trouble.hidden = true;
    if (said.found.note) acts.note(address, said.found.note);
  }
  if (!isBehind) return;
  const proposal = page.ballot().querySelector("[name=proposal]").value;
  await told(acts.notes(address), proposal);
  const given = await cardsNow(proposal, ANSWER_MILLISECONDS);
  if (!given) return;
  take(given);
  const [card] = given.cards;
  if (card.needs_page) location.reload();
  else showCard(card);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!booth || !link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const proposal = new URL(link.href).searchParams.get("proposal");
  const card = link.id === "next" && booth.cards.get(proposal);
  if (card && booth.makes.isUsual(card) && !page.ballot().querySelector(".aside")) {
    event.preventDefault();
    history.pushState(null, "", booth.makes.pathOf(booth, card));
    turn(card);
  } else if (booth.acts.notes(booth.address).length && !link.target && !link.download) {
    event.preventDefault(); // The next page knows what it was told, if it was told soon.
    const late = new Promise((resolve) => { setTimeout(resolve, LEAVE_MILLISECONDS); });
    Promise.race([tell(), late]).finally(() => location.assign(link.href));
  }
});

// Shows a card that the back button leads to; false where there is none.
export function returned(proposal) {
  const card = booth?.cards.get(proposal);
  const usual = booth?.makes.isUsual(card);
  if (usual) turn(card);
  return usual;
}

// A page that is hidden may be thrown away without another word: on phones most are. What is on its
// way then arrives; what waits to be told again would not be.
function leave() {
  const notes = booth?.acts.notes(booth.address) ?? [];
  const proposal = page?.ballot()?.querySelector("[name=proposal]")?.value;
  if (saying || leaving || !notes.length || !proposal) return;
  leaving = told(notes, proposal, (work) => work()).finally(() => { leaving = null; });
}

window.addEventListener("pagehide", leave);
document.addEventListener("visibilitychange", leave);
