"use strict";
// Checks the packet in the browser: hashes, paths, personal values, signatures, and that what is shown of an event is
// what its stored bytes say. Asks no network. Everything is written with textContent.
(async () => {
  const find = (id) => document.getElementById(id);
  const verdict = find("verdict");
  const say = (state, title, text) => {
    verdict.dataset.state = state;
    find("verdict-title").textContent = title;
    find("verdict-text").textContent = text;
  };
  const mark = (element, state, text) => {
    element.dataset.state = state;
    element.textContent = text;
  };
  // What is closed stays closed on paper, so that whoever prints decides how much it is.
  const parts = document.querySelectorAll("main details");
  find("open-all").hidden = false;
  find("open-all").addEventListener("click", () => {
    const open = find("open-all").getAttribute("aria-pressed") !== "true";
    for (const part of parts) part.open = open;
    find("open-all").setAttribute("aria-pressed", String(open));
  });
  // A link to what a closed part holds opens it.
  const reveal = () => {
    const target = location.hash && find(decodeURIComponent(location.hash.slice(1)));
    const closed = target && target.closest("details");
    if (closed) {
      closed.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", reveal);
  reveal();

  // Before anything is written into the page.
  const words = document.querySelector("main").textContent;
  const data = JSON.parse(find("packet").textContent);
  if (!globalThis.crypto || !crypto.subtle) {
    say("unavailable", "Proofs are included, and were not checked",
      "This browser offers no Web Crypto here: open the file from a disk, or over https.");
    return;
  }
  say("checking", "Checking the proofs", "");

  const utf8 = (text) => new TextEncoder().encode(text);
  const join = (...parts) => {
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    parts.reduce((at, part) => (bytes.set(part, at), at + part.length), 0);
    return bytes;
  };
  const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const unhex = (text) => {
    if (!/^([0-9a-f]{2})*$/.test(text)) throw new Error("a hash is malformed");
    return Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16));
  };
  const base64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

  // RFC 9162 section 2.1.3.2.
  const rootOf = async (leaf, index, size, path) => {
    let [node, last, hash] = [BigInt(index), BigInt(size) - 1n, leaf];
    if (node > last) throw new Error("its place is not in the log");
    for (const step of path) {
      if (last === 0n) throw new Error("its path is too long");
      const other = unhex(step);
      if (node % 2n === 1n || node === last) {
        hash = await sha256([1], other, hash);
        while (node % 2n === 0n && node !== 0n) [node, last] = [node >> 1n, last >> 1n];
      } else {
        hash = await sha256([1], hash, other);
      }
      [node, last] = [node >> 1n, last >> 1n];
    }
    if (last !== 0n) throw new Error("its path is too short");
    return hex(hash);
  };

  // As the ledger commits to a personal value: every part preceded by its length.
  const commitment = async (path, salt, value) => {
    const parts = [utf8("claims-ledger/personal/v1"), utf8(path), unhex(salt), utf8(value)];
    const length = (part) => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(part.length));
      return bytes;
    };
    return hex(await sha256(...parts.flatMap((part) => [length(part), part])));
  };

  // The same words as the program writes: packet/words.rs and packet/gather.rs.
  const visible = (text) => text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g,
    (c) => `\u27e8U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}\u27e9`);
  const money = (minor, currency) => {
    const digits = data.exponents[currency];
    if (digits === undefined) return `${minor} ${currency}`;
    const text = String(minor).padStart(digits + 1, "0");
    const whole = text.slice(0, text.length - digits);
    return digits ? `${whole}.${text.slice(-digits)} ${currency}` : `${whole} ${currency}`;
  };
  const moment = (micros, offset) => {
    const local = new Date(Math.floor(micros / 1000) + offset * 60000).toISOString();
    const two = (number) => String(number).padStart(2, "0");
    const size = Math.abs(offset);
    const zone = offset === 0 ? "UTC" : `${offset < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
    return `${local.slice(0, 10)} ${local.slice(11, 19)} ${zone}`;
  };
  const scalar = (value) => {
    if (typeof value === "string") return visible(value);
    if (value === true) return "yes";
    if (value === false) return "no";
    return value === null ? "none" : String(value);
  };
  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

  const flatten = (body, opened) => {
    const flat = new Map();
    const payload = body.payload;
    const currency = payload.currency || (isObject(payload.amount) && payload.amount.currency);
    const add = (path, value) => {
      if (Array.isArray(value)) {
        if (value.every((item) => typeof item === "string" || typeof item === "number")) {
          flat.set(path, value.length ? value.map(scalar).join(", ") : "none");
        } else {
          value.forEach((item, index) => add(`${path}[${index}]`, item));
        }
      } else if (isObject(value)) {
        const names = Object.keys(value);
        if (names.length === 2 && Number.isInteger(value.minor) && typeof value.currency === "string") {
          flat.set(path, money(value.minor, value.currency));
        } else if (names.length === 1 && typeof value.commitment === "string") {
          if (!opened.has(path)) throw new Error(`nothing is said of the personal value ${path}`);
          flat.set(path, opened.get(path));
        } else {
          names.forEach((name) => add(`${path}.${name}`, value[name]));
        }
      } else if (typeof value === "number" && path.endsWith("_minor") && currency) {
        flat.set(path, money(value, currency));
      } else {
        flat.set(path, scalar(value));
      }
    };
    for (const [name, value] of Object.entries(payload)) {
      if (!(body.kind === "policy_published" && name === "body")) add(name, value);
    }
    const said = flat.size;
    flat.set("@happened", moment(body.effective_at, body.offset_minutes));
    flat.set("@recorded", moment(body.recorded_at, 0));
    for (const name of ["actor", "role", "approver", "source", "external_id", "kind"]) {
      if (body[name] !== undefined) flat.set(`@${name}`, visible(body[name]));
    }
    return [flat, said];
  };
  // What stands at `lines[0].serials[2]`.
  const at = (value, path) => path.split(/[.[]/).reduce(
    (place, step) => (place === undefined || place === null ? undefined : place[step.replace("]", "")]), value);

  // What is shown, by the event that it is said to come from.
  const shown = new Map();
  for (const element of document.querySelectorAll("[data-at]")) {
    const [, position, path] = /^(\d+) (.*)$/s.exec(element.dataset.at) || [];
    if (!shown.has(position)) shown.set(position, []);
    shown.get(position).push([element, path]);
  }

  const checkEvent = async (proof) => {
    const head = data.heads[proof.head];
    const leaf = await sha256([0], utf8(proof.body));
    if (hex(leaf) !== proof.leaf) throw new Error("its bytes do not have the hash that stands here");
    if ((await rootOf(leaf, proof.position - 1, head.size, proof.path)) !== head.root) {
      throw new Error("it is not in the log of the head");
    }
    const body = JSON.parse(proof.body);
    if (body.position !== proof.position || body.ledger !== data.ledger) {
      throw new Error("it names another place or another log");
    }
    const opened = new Map();
    for (const { path, salt, value } of proof.personal) {
      const due = at(body.payload, path);
      if (!isObject(due) || due.commitment !== (await commitment(path, salt, value))) {
        throw new Error(`the personal value ${path} is not the one that was committed to`);
      }
      opened.set(path, visible(value));
    }
    for (const { path, text } of proof.closed) opened.set(path, text);
    const [flat, said] = flatten(body, opened);
    const fields = document.querySelector(`[data-fields="${proof.position}"]`);
    if ((fields ? fields.querySelectorAll("dd").length : 0) !== said) throw new Error("the page leaves out some of what it says");
    for (const [element, path] of shown.get(String(proof.position)) || []) {
      if (element.textContent !== flat.get(path)) {
        element.dataset.state = "failed";
        throw new Error(`the page shows another ${path.replace("@", "")} than the event has`);
      }
    }
    if (!document.querySelector(`[data-event="${proof.position}"]`)) throw new Error("the page does not show it");
    if (proof.position === data.policy) await checkPolicy(proof.body, body);
  };

  // The hash in the event is that of the policy in the event, and the clauses shown are the policy's.
  const checkPolicy = async (text, body) => {
    const [begin, end] = ['"payload":{"body":', ',"effective_from":'];
    const policy = text.slice(text.indexOf(begin) + begin.length, text.lastIndexOf(end));
    if (hex(await sha256(utf8(policy))) !== body.payload.sha256) throw new Error("the policy does not have its hash");
    const clauses = new Map(body.payload.body.clauses.map((clause) => [clause.id, visible(clause.paraphrase)]));
    const rows = document.querySelectorAll("[data-clause]");
    if (rows.length !== clauses.size) throw new Error("the page leaves out clauses of the policy");
    for (const row of rows) {
      if (row.textContent !== clauses.get(row.dataset.clause)) {
        row.dataset.state = "failed";
        throw new Error(`the page shows another clause ${row.dataset.clause} than the policy has`);
      }
    }
  };

  // C2SP signed-note: the text of the note, and what each line has signed.
  const readNote = (head) => {
    const cut = head.checkpoint.lastIndexOf("\n\n");
    const text = head.checkpoint.slice(0, cut + 1);
    const [origin, size, root] = text.split("\n");
    const same = origin === data.ledger && size === String(head.size) && hex(base64(root)) === head.root;
    if (!same) throw new Error("the checkpoint is of another log, or has another root");
    const lines = head.checkpoint.slice(cut + 2).split("\n").filter(Boolean).map((line) => {
      const [, name, signature] = /^\u2014 (\S+) (\S+)$/.exec(line) || [];
      const bytes = base64(signature || "");
      return { name, id: hex(bytes.slice(0, 4)), signature: bytes.slice(4) };
    });
    return { text, lines };
  };
  const NO_ED25519 = "not checked by this browser, which does not offer Ed25519";
  // Says who signed, or why that is not shown; false = a signature that is false.
  const checkKey = async (note, vkey) => {
    const [, name, id, material] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey.trim()) || [];
    if (!name) return { state: "unavailable", text: "this is no key: it has the form name+id+key" };
    let key;
    try {
      key = base64(material);
    } catch {
      return { state: "unavailable", text: "this is no key: its last part is no base 64" };
    }
    if (hex((await sha256(utf8(`${name}\n`), key)).slice(0, 4)) !== id) {
      return { state: "failed", text: "the id of the key is not that of the key" };
    }
    const line = note.lines.find((one) => one.name === name && one.id === id);
    if (!line) return { state: "failed", text: "this key has not signed the checkpoint" };
    let [message, signature] = [utf8(note.text), line.signature];
    if (key[0] === 4) {
      const seconds = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
      [message, signature] = [utf8(`cosignature/v1\ntime ${seconds}\n${note.text}`), signature.slice(8)];
    } else if (key[0] !== 1) {
      return { state: "unavailable", text: "keys of this kind are not known here" };
    }
    let imported;
    try {
      imported = await crypto.subtle.importKey("raw", key.slice(1), { name: "Ed25519" }, false, ["verify"]);
    } catch {
      return { state: "unavailable", text: NO_ED25519 };
    }
    const holds = await crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
    return holds ? { state: "verified", text: "signature verified" } : { state: "failed", text: "SIGNATURE IS FALSE" };
  };

  const failures = [];
  if (hex(await sha256(utf8(words))) !== data.words) failures.push("words of the page were changed after it was made");
  for (const proof of data.events) {
    let [state, text] = ["verified", "verified"];
    try {
      await checkEvent(proof);
    } catch (why) {
      [state, text] = ["failed", `FAILED: ${why.message}`];
      failures.push(`event ${proof.position}: ${why.message}`);
    }
    for (const element of document.querySelectorAll(`[data-mark="${proof.position}"], [data-result="${proof.position}"]`)) {
      mark(element, state, text);
    }
  }
  const proved = new Set(data.events.map((proof) => String(proof.position)));
  for (const element of document.querySelectorAll("[data-event]")) {
    if (!proved.has(element.dataset.event)) failures.push(`event ${element.dataset.event}: it comes without a proof`);
  }
  for (const position of shown.keys()) {
    if (!proved.has(position)) failures.push(`something is shown of event ${position}, which is not in the page`);
  }

  const signed = data.heads.findIndex((head) => head.checkpoint !== null);
  let signature = "No checkpoint was signed: the log of the head is what the merchant's ledger held when the packet was made.";
  if (signed >= 0) {
    const late = data.events.filter((proof) => proof.head !== signed).length;
    const later = late ? ` ${late} of them are later than the signed checkpoint.` : "";
    try {
      const note = readNote(data.heads[signed]);
      const results = [];
      for (const { vkey } of data.keys) {
        const result = await checkKey(note, vkey);
        results.push(result);
        for (const element of document.querySelectorAll("[data-key]")) {
          if (element.dataset.key === vkey) mark(element, result.state, result.text);
        }
        if (result.state === "failed") failures.push(`checkpoint: ${result.text}`);
      }
      const good = results.filter((result) => result.state === "verified").length;
      if (good) {
        signature = `The checkpoint's signature was verified with the key in this page: compare the key with one that you got by another way.${later}`;
      } else if (results.length) {
        signature = `The checkpoint's signature was ${NO_ED25519}.${later}`;
      } else {
        signature = `The checkpoint's signature was not checked: no key came along. Enter the key below, under Proofs.${later}`;
      }
      find("own-key").hidden = false;
      find("check-key").addEventListener("click", async () => {
        const result = await checkKey(note, find("vkey").value);
        mark(find("key-answer"), result.state, result.text);
      });
    } catch (why) {
      failures.push(`checkpoint: ${why.message}`);
    }
  }
  if (failures.length) {
    say("failed", "NOT VERIFIED: this packet was altered",
      `${failures.length} ${failures.length === 1 ? "check" : "checks"} failed. ${failures.slice(0, 5).join("; ")}${failures.length > 5 ? "; and more" : ""}.`);
  } else {
    say("verified", `Verified in this browser: ${data.events.length === 1 ? "the event is in the log as it is" : `all ${data.events.length} events are in the log as they are`} shown`, signature);
  }
})().catch((why) => {
  const verdict = document.getElementById("verdict");
  verdict.dataset.state = "failed";
  document.getElementById("verdict-title").textContent = "NOT VERIFIED: the proofs of this packet cannot be read";
  document.getElementById("verdict-text").textContent = String(why && why.message);
});
