// What is immediate at the desk. Every page works without it: it moves the panels of a claim while the slider moves, and
// asks before a page with something typed in it is left. It writes no markup of its own and asks nobody but this server.

// A page, as a document that the browser has read.
const fetchPage = (address) =>
  new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.onload = () => (request.response ? done(request.response) : failed(new Error("no page")));
    request.onerror = () => failed(new Error("no answer"));
    request.send();
  });

const form = document.getElementById("time");
const slide = document.getElementById("slide");

if (form && slide) {
  const positions = slide.dataset.positions.split(",");
  const last = positions.length;
  let asked = 0;

  const show = async () => {
    const step = Number(slide.value);
    const address = new URL(form.action);
    const kept = new URLSearchParams(new FormData(form));
    for (const [name, value] of kept) if (value && name !== "as_of") address.searchParams.set(name, value);
    if (step < last) address.searchParams.set("as_of", positions[step - 1]);
    document.getElementById("slide-says").textContent = `event ${step} of ${last}`;
    const panels = document.getElementById("panels");
    const mine = ++asked;
    panels.setAttribute("aria-busy", "true");
    try {
      const page = await fetchPage(address.href);
      // A later move of the slider has asked for another moment.
      if (mine !== asked) return;
      const fresh = page.getElementById("panels");
      if (!fresh) throw new Error("no panels");
      panels.replaceWith(document.adoptNode(fresh));
      form.elements.as_of.value = step < last ? positions[step - 1] : "";
      history.replaceState(null, "", address.href);
    } catch {
      // Without an answer the plain way still leads there, and tells what is wrong.
      if (mine === asked) location.assign(address.href);
    }
  };

  let soon;
  slide.addEventListener("input", () => {
    clearTimeout(soon);
    soon = setTimeout(show, 60);
  });
  slide.closest("[hidden]").hidden = false;
}

// What is being worked out is looked at again until it is there.
const lookAgain = async () => {
  const main = document.querySelector("main[data-under-way]");
  if (!main) return;
  try {
    const fresh = (await fetchPage(location.href)).querySelector("main");
    if (fresh) main.replaceWith(document.adoptNode(fresh));
    setTimeout(lookAgain, 1000);
  } catch {
    setTimeout(lookAgain, 5000);
  }
};
setTimeout(lookAgain, 1000);

// What was typed is not lost by a slip of the finger.
for (const act of document.querySelectorAll("form.act")) {
  let typed = false;
  act.addEventListener("input", () => { typed = true; });
  act.addEventListener("submit", () => { typed = false; });
  addEventListener("beforeunload", (event) => { if (typed) event.preventDefault(); });
}
