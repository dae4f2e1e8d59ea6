// What the booth's script does by /v1: a request for each act, what it makes of a card, and what is
// kept for this tab until it is certain. A tab that is closed or loaded anew in mid-act sends the
// same again, under the same key; and the booth's pages are told of every act, sooner or later.

const NOTES_MOST = 32; // Told at once; the server takes no more.
const KEY_BYTES = 12;
const SENDING = "scrutin-sending";
const NOTES = "scrutin-notes";

const base64 = (bytes) => btoa(String.fromCharCode(...bytes))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// The random part of an Idempotency-Key, one for each ballot that is shown.
export const newKey = () => base64(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));

// The request of a form's button. Its key is the one that the form would come to by itself: whoever
// sends that instead, after all, says nothing twice.
export function requestOf(booth, card, next, fields) {
  const [word, proposal, proof] = ["act", "proposal", "proof"].map((name) => fields.get(name));
  const [, , consultation, , via] = booth.address.split("/"); // /c/ID/vote, or /c/ID/widget/VIA.
  const query = new URLSearchParams(next ? { next: next.id, next_proof: next.proof } : {});
  const [path, body] = target(word, proposal, proof, fields.get("renewed"));
  if (!body) query.set("proof", proof);
  if (via) query.set("via", via);
  if (path === "votes") query.set("shares", "1"); // What everybody votes comes with the answer.
  return {
    proposal, word, acts: card.acts, next: next?.id, method: body ? "POST" : "DELETE",
    address: `/v1/consultations/${consultation}/${path}?${query}`, body,
    key: `${fields.get("key")}.${card.acts}.${word}`,
  };
}

function target(word, proposal, proof, renewed) {
  const id = encodeURIComponent(proposal);
  if (word === "withdraw") return [`votes/${id}`, null];
  const qualification = word.slice(1);
  if (word.startsWith("-")) return [`qualifications/${id}/${qualification}`, null];
  if (word.startsWith("+")) return ["qualifications", { proposal, qualification, proof }];
  return ["votes", { proposal, choice: word, proof, ...(renewed ? { renewed } : {}) }];
}

// Does on a card what the log has, as the booth's pages would show it.
export function apply(card, word, { partition, offset }) {
  if (word === "withdraw") {
    Object.assign(card, { before: card.choice ?? card.before, choice: null, qualifications: [] });
  } else if (isBeside(word)) {
    const others = card.qualifications.filter((name) => name !== word.slice(1));
    card.qualifications = word.startsWith("+") ? [...others, word.slice(1)] : others;
  } else if (card.choice !== word) {
    Object.assign(card, {
      before: card.acts ? card.choice : null, choice: word, qualifications: [] });
  }
  Object.assign(card, {
    acts: card.acts + 1, partition, last: offset, counted: card.counted && isBeside(word),
    cast: isBeside(word) ? card.cast : offset, shares: card.shares ?? null });
}

// Whether an act says something beside a vote: it changes no share.
export const isBeside = (word) => /^[+-]/.test(word);

// What is kept for this tab, by the booth's address; where a browser keeps nothing, as within a page
// of another site, for as long as the page is here.
const held = new Map();

function kept(name, address) {
  const key = `${name} ${address}`;
  try {
    return JSON.parse(sessionStorage.getItem(key)) ?? held.get(key) ?? null;
  } catch {
    return held.get(key) ?? null;
  }
}

function keep(name, address, what) {
  const key = `${name} ${address}`;
  held.delete(key);
  try {
    if (what === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, JSON.stringify(what));
  } catch { // Then a tab that is closed in mid-act has what the log has.
    if (what !== null) held.set(key, what);
  }
}

export const sending = (address) => kept(SENDING, address);
export const begin = (address, request) => keep(SENDING, address, request);
export const end = (address) => keep(SENDING, address, null);

// What the booth's pages are still to be told.
export const notes = (address) => kept(NOTES, address)?.slice(0, NOTES_MOST) ?? [];

export function note(address, text) {
  keep(NOTES, address, [...kept(NOTES, address) ?? [], text]);
}

export function told(address, those) {
  const left = (kept(NOTES, address) ?? []).filter((text) => !those.includes(text));
  keep(NOTES, address, left.length ? left : null);
}
