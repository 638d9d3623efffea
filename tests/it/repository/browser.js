// Loads pages in frames of several widths, and writes what is wrong with them where `--dump-dom` finds it.
const [pages, widths] = JSON.parse(document.getElementById("input").textContent);
const found = [];

function luminance(color) {
  const parts = color.match(/[\d.]+/g).map(Number).slice(0, 3).map((part) => part / 255);
  const linear = parts.map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

function background(element, view) {
  for (let at = element; at; at = at.parentElement) {
    const color = view.getComputedStyle(at).backgroundColor;
    if (!/, 0\)$/.test(color)) return color;
  }
  return "rgb(255, 255, 255)";
}

function inspect(page, width, frame) {
  const [doc, view] = [frame.contentDocument, frame.contentWindow];
  const wrong = (what) => found.push(`${page} at ${width}: ${what}`);
  const one = (selector) => doc.querySelectorAll(selector).length === 1 || wrong(`not one ${selector}`);
  ["h1", "body > header", "body > main", "body > footer", "title", 'html[lang="en"]'].forEach(one);
  if (doc.documentElement.scrollWidth > width) wrong(`${doc.documentElement.scrollWidth} wide`);
  for (const element of doc.body.querySelectorAll("*")) {
    const box = element.getBoundingClientRect();
    if (box.right > width + 1 && !element.closest("pre, thead")) wrong(`${element.outerHTML.slice(0, 60)} ends at ${box.right}`);
    const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!text || element.closest(".skip")) continue;
    const [one, two] = [view.getComputedStyle(element).color, background(element, view)].map(luminance);
    const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (contrast < 4.5) wrong(`contrast ${contrast.toFixed(2)} of ${element.outerHTML.slice(0, 60)}`);
  }
  let level = 0;
  for (const heading of doc.querySelectorAll("h1, h2, h3")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) wrong(`${heading.tagName} behind H${level}`);
    level = next;
  }
  for (const cell of doc.querySelectorAll("th")) if (!cell.scope) wrong("a th without scope");
  for (const code of doc.querySelectorAll("pre")) if (code.tabIndex !== 0) wrong("code that no key scrolls");
  const link = doc.querySelector("main a");
  link?.focus();
  if (link && doc.activeElement !== link) wrong("links take no focus");
  if (view.getComputedStyle(doc.body).backgroundColor === "rgba(0, 0, 0, 0)") wrong("no style");
  return view.getComputedStyle(doc.body).backgroundColor;
}

async function load(page, width) {
  const frame = document.createElement("iframe");
  frame.style = `width: ${width}px; height: 900px; border: 0`;
  frame.src = page;
  const loaded = new Promise((done) => { frame.onload = done; });
  document.body.append(frame);
  await loaded;
  const colour = inspect(page, width, frame);
  frame.remove();
  return colour;
}

(async () => {
  const colours = new Set();
  for (const page of pages) for (const width of widths) colours.add(await load(page, width));
  document.getElementById("output").textContent = JSON.stringify({ found, colours: [...colours] });
})();
