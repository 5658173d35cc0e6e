// Opens a page from disk in a headless Chromium, as people would, and prints as JSON what is wrong with it.
//   node look.js '{"playwright": FOLDER, "axe": FILE, "browser": PROGRAM, "page": FILE, "pictures": FOLDER or ""}'
// The page's own Content-Security-Policy stays in force: axe-core is put in through the browser's debugger.
"use strict";
const fs = require("fs");
const path = require("path");
const { pathToFileURL } = require("url");

const wanted = JSON.parse(process.argv[2]);
const { chromium } = require(wanted.playwright);

const VIEWS = [360, 1280].flatMap((width) =>
  ["light", "dark"].map((scheme) => ({ name: `${width}-${scheme}`, width, scheme, media: "screen" })));
VIEWS.push({ name: "print", width: 718, scheme: "dark", media: "print" }); // A4 between margins of 1 cm

// Runs in the page.
function layout() {
  const problems = [];
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > room) {
    problems.push(`the page is ${document.documentElement.scrollWidth} wide, of ${room}`);
  }
  for (const text of document.querySelectorAll("svg text")) {
    const box = text.getBoundingClientRect();
    const place = text.closest("section").id;
    if (box.width && (box.left < -1 || box.right > room + 1)) {
      problems.push(`${place}: "${text.textContent}" is cut off (${Math.round(box.left)} to ${Math.round(box.right)})`);
    }
    const size = parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a;
    if (box.width && Math.abs(size) > 0.1 && size < 9) problems.push(`${place}: "${text.textContent}" is ${size} px`);
  }
  return problems;
}

async function keyboard(page) {
  const problems = [];
  const focused = () => page.evaluate(() => document.activeElement.outerHTML.slice(0, 80));
  await page.keyboard.press("Tab");
  if (!(await focused()).includes("skip")) problems.push(`the first stop is ${await focused()}`);
  await page.keyboard.press("Enter");
  if (!(await focused()).includes("<main")) problems.push(`the skip link leads to ${await focused()}`);
  for (const summary of await page.locator("summary").all()) {
    await summary.focus();
    await page.keyboard.press("Enter");
  }
  const closed = await page.locator("details:not([open])").count();
  if (closed) problems.push(`${closed} tables do not open by keyboard`);
  return problems;
}

async function look(browser, view) {
  const context = await browser.newContext({ viewport: { width: view.width, height: 900 }, colorScheme: view.scheme });
  const page = await context.newPage();
  const said = [];
  const asked = [];
  page.on("console", (message) => said.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => said.push(`error: ${error.message}`));
  page.on("request", (request) => asked.push(request.url()));
  const address = pathToFileURL(path.resolve(wanted.page)).href;
  await page.goto(address);
  await page.emulateMedia({ media: view.media, colorScheme: view.scheme });
  const problems = await page.evaluate(layout);
  if (wanted.pictures) {
    await page.screenshot({ path: path.join(wanted.pictures, `${view.name}.png`), fullPage: true });
    if (view.media === "print") await page.pdf({ path: path.join(wanted.pictures, "print.pdf"), format: "A4" });
  }
  if (view.media === "screen") problems.push(...await keyboard(page));
  await page.evaluate(fs.readFileSync(wanted.axe, "utf-8"));
  const found = await page.evaluate(() => window.axe.run(document));
  for (const one of found.violations) {
    problems.push(`axe: ${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(" | ")}`);
  }
  problems.push(...said, ...asked.filter((url) => url !== address).map((url) => `asked for ${url}`));
  await context.close();
  return { view: view.name, problems, passes: found.passes.length, incomplete: found.incomplete.map((one) => one.id) };
}

(async () => {
  const browser = await chromium.launch({ executablePath: wanted.browser, args: ["--no-sandbox"] });
  try {
    const views = [];
    for (const view of VIEWS) views.push(await look(browser, view));
    process.stdout.write(JSON.stringify({ browser: browser.version(), views }));
  } finally {
    await browser.close();
  }
})().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
