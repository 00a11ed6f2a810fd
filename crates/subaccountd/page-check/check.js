// The status page as browsers show it: narrow and wide, light and dark, with script and without.
"use strict";

const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { setTimeout: pause } = require("node:timers/promises");
const { chromium } = require("playwright-core");
const axe = require("axe-core");
const { ac, phone, empty, twelve, many, broken, paused, dryRun, outage, faults, clocks, journal } = require("./fleets.js");

const BIN = process.env.PAGE_CHECK_BIN;
const HOME = process.env.PAGE_CHECK_HOME;
/** The longest wait for anything, in milliseconds. */
const PATIENCE = 180_000;
const SIZES = [{ width: 390, height: 780 }, { width: 1440, height: 800 }];
const shots = process.argv[2] === "--screenshots" ? process.argv[3] : null;

const children = [];
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/** Starts a program, and returns the address that `words` matches in its log. */
async function start(run, name, words, program, args, env = {}) {
  const log = path.join(run, `${name}.log`);
  const file = fs.openSync(log, "w");
  const child = spawn(path.join(BIN, program), args, { cwd: run, stdio: ["ignore", file, file], env: { NO_COLOR: "1", ...env } });
  children.push(child);
  for (const end = Date.now() + PATIENCE; Date.now() < end; await pause(50)) {
    const found = fs.readFileSync(log, "utf8").match(words);
    if (found) return found[1];
    assert.equal(child.exitCode, null, `${program} ended: ${fs.readFileSync(log, "utf8")}`);
  }
  assert.fail(`${program} did not log its address: ${fs.readFileSync(log, "utf8")}`);
}

/** Starts a daemon on this fleet, waits for its first passes, and returns the address of its status. */
async function serve(fleet, run) {
  const file = (suffix) => path.join(run, `${fleet.name}.${suffix}`);
  fs.writeFileSync(file("world.yaml"), fleet.world());
  fs.writeFileSync(file("state.yaml"), fleet.state());
  const sim = await start(run, `${fleet.name}.sim`, / on (http:\/\/[0-9.]+:[0-9]+)/, "twilio-sim",
    ["--listen", "127.0.0.1:0", "--world", file("world.yaml")]);
  const url = await start(run, `${fleet.name}.daemon`, /serving probes and metrics on (http:\/\/[0-9.]+:[0-9]+)/, "subaccountd",
    ["run", "--desired", `${fleet.name}.state.yaml`, "--journal-dir", `${fleet.name}.journal`, "--listen", "127.0.0.1:0",
      "--status-listen", "127.0.0.1:0", "--log-format", "text", ...fleet.flags],
    { TWILIO_ACCOUNT_SID: fleet.main, TWILIO_AUTH_TOKEN: fleet.token, SUBACCOUNTD_TWILIO_URL: sim });
  for (const end = Date.now() + PATIENCE; Date.now() < end; await pause(100)) {
    const status = await (await fetch(`${url}/status`)).json();
    const waits = status.mode === "enforce" && status.plan?.actions.length > 0;
    if (status.lastPass?.result && (!waits || status.desiredState.paused)) return { url, sim, state: file("state.yaml"), journal: file("journal") };
  }
  return assert.fail(`${fleet.name}: no pass ended`);
}

/** Waits until the status of a daemon is as `is` says. */
async function until(url, what, is) {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await pause(100)) {
    if (is(await (await fetch(`${url}/status`)).json())) return;
  }
  assert.fail(`${url}: ${what} did not come`);
}

/** Serves the fleets with something wrong as a whole, and returns the words that each page must show. */
async function troubled(run) {
  const post = (sim, fault) => fetch(`${sim}/_sim/faults`, { method: "POST", body: JSON.stringify(fault) });
  const down = await serve(outage(), run);
  await post(down.sim, { fault: { kind: "status", http: 503 } });
  await until(down.url, "the outage", (status) => status.lastPass.result === "failed");
  const faulty = await serve(faults(), run);
  fs.writeFileSync(faulty.state, faults().edited(fs.readFileSync(faulty.state, "utf8")));
  await until(faulty.url, "the faults", (status) => status.desiredState.faults.length === 2);
  const skewed = await serve(clocks(), run);
  await fetch(`${skewed.sim}/_sim/faults`, { method: "PATCH", body: JSON.stringify({ clockOffsetSeconds: 1230 }) });
  const unwritable = await serve(journal(), run);
  fs.renameSync(path.join(unwritable.journal, "journal.jsonl"), path.join(unwritable.journal, "moved.jsonl"));
  const shows = async (url, words) => {
    const page = async () => (await (await fetch(url)).text()).includes(words);
    for (const end = Date.now() + PATIENCE; Date.now() < end && !(await page()); await pause(100));
  };
  await shows(skewed.url, "The clocks disagree");
  await shows(unwritable.url, "The journal cannot be written");
  return {
    paused: { url: (await serve(paused(), run)).url, words: [/Paused\./i, /main account main AC0/] },
    "dry-run": { url: (await serve(dryRun(), run)).url, words: [/Dry run\./i, /Cannot be undone/i] },
    outage: { url: down.url, words: [/The last pass was aborted/, /Failing since/, /accounts last observed/, /globex/] },
    faults: { url: faulty.url, words: [/2 faults in the state/i] },
    clocks: { url: skewed.url, words: [/is 20 min behind Twilio's/] },
    journal: { url: unwritable.url, words: [/The journal cannot be written/, /was removed or moved while in use/] },
  };
}

/** Opens a page and collects every error on it. */
async function open(browser, url, { size, colorScheme = "light", javaScriptEnabled = true }) {
  const context = await browser.newContext({ viewport: size, colorScheme, javaScriptEnabled });
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("requestfailed", (request) => wrong.push(`${request.url()} failed`));
  page.on("response", (answer) => answer.status() >= 400 && wrong.push(`${answer.url()}: ${answer.status()}`));
  page.on("request", (request) => {
    const to = request.url();
    if (!to.startsWith(url) && !to.startsWith("data:")) wrong.push(`asked for ${to}`);
  });
  page.on("dialog", (dialog) => wrong.push(`a dialog: ${dialog.message()}`));
  await page.goto(url);
  return { page, wrong, close: () => context.close() };
}

/** Checks that nothing sticks out of the page, and that its headings are in order. */
async function looks(page, where) {
  const { scroll, width, out, levels } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth,
    width: window.innerWidth,
    out: [...document.querySelectorAll("main *")].filter((e) => {
      const box = e.getBoundingClientRect();
      // Text for screen readers is clipped.
      return box.right > window.innerWidth + 1 && !e.closest("thead, .hidden, .skip");
    }).slice(0, 3).map((e) => e.outerHTML.slice(0, 120)),
    levels: [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map((h) => Number(h.tagName[1])),
  }));
  assert.ok(scroll <= width, `${where}: ${scroll} px in ${width}: ${out}`);
  assert.deepEqual(out, [], `${where}: sticks out`);
  assert.equal(levels.filter((level) => level === 1).length, 1, `${where}: one h1`);
  levels.reduce((above, level) => {
    assert.ok(level <= above + 1, `${where}: headings ${levels}`);
    return level;
  });
}

/** Checks contrast, names, landmarks, labels, tables and targets by an independent tool. */
async function accessible(page, where) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  }));
  const told = violations.map(({ id, help, nodes }) =>
    `${id}: ${help}: ${nodes.slice(0, 3).map((n) => `${n.html} (${n.any.map((any) => any.message)})`).join(" | ")}`);
  assert.deepEqual(told, [], where);
}

async function everyView(browser, name, url) {
  for (const size of SIZES) {
    for (const colorScheme of ["light", "dark"]) {
      for (const javaScriptEnabled of [true, false]) {
        const where = `${name}, ${size.width} px, ${colorScheme}, script ${javaScriptEnabled ? "on" : "off"}`;
        const { page, wrong, close } = await open(browser, url, { size, colorScheme, javaScriptEnabled });
        await looks(page, where);
        const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        assert.equal(dark !== "rgb(246, 247, 249)", colorScheme === "dark", where);
        if (javaScriptEnabled) await accessible(page, where);
        assert.deepEqual(wrong, [], where);
        await close();
      }
    }
  }
}

const rows = (page, list) => page.locator(`#${list} tbody tr`);
const texts = async (page, list) => (await rows(page, list).allInnerTexts()).join("\n");

/** Searches and filters twelve accounts by hand. */
async function twelveByHand(browser, url, size, javaScriptEnabled) {
  const { page, wrong, close } = await open(browser, url, { size, javaScriptEnabled });
  const where = `12 by hand, ${size.width} px, script ${javaScriptEnabled ? "on" : "off"}`;
  assert.match(await page.title(), /accounts need you.* · subaccountd$/);
  assert.equal(await rows(page, "accounts").count(), 12, where);
  assert.match((await rows(page, "accounts").allInnerTexts())[0], /needs you/i, "trouble comes first");
  assert.equal(await page.locator("script, b:has-text('quoted')").count(), 0, "names are not markup");
  assert.match(await page.locator("#passes").innerText(), /done[\s\S]*transfer[\s\S]*\+15105550101/);

  await page.keyboard.press("Tab");
  assert.ok(await page.getByRole("link", { name: "Skip to the fleet" }).evaluate((e) => e === document.activeElement && e.getBoundingClientRect().left >= 0), where);
  await page.keyboard.press("Enter");
  assert.ok(await page.evaluate(() => document.activeElement.id === "main"), `${where}: the skip link leads to the fleet`);

  for (const [words, sid] of [["ACME", 1], [ac(2), 2], [phone(112), 12], ["unpaid owner=billing", 2], ["<script>", 9]]) {
    await page.getByLabel("Search", { exact: true }).fill(words);
    await page.keyboard.press("Enter");
    await page.waitForURL((to) => new URL(to).searchParams.get("q") === words);
    assert.equal(await rows(page, "accounts").count(), 1, `${where}: ${words}`);
    assert.ok((await texts(page, "accounts")).includes(ac(sid)), `${where}: ${words}`);
    assert.equal(await page.getByLabel("Search", { exact: true }).inputValue(), words);
  }
  await page.getByRole("link", { name: "Clear" }).click();
  await page.getByLabel("Desired").selectOption("closed");
  await page.getByRole("button", { name: "Apply" }).click();
  assert.equal(await rows(page, "accounts").count(), 2, where);
  await page.getByRole("link", { name: "Clear" }).click();
  await page.getByRole("link", { name: /^NeedsAddress/ }).click();
  assert.equal(await rows(page, "held").count(), 1, where);
  assert.match(await texts(page, "held"), /umbrella[\s\S]*addressSid/);
  await page.getByRole("link", { name: "Clear" }).click();
  await page.getByRole("link", { name: /in sync$/ }).click();
  assert.match(await texts(page, "accounts"), /acme/);
  assert.doesNotMatch(await texts(page, "accounts"), /wayne/);
  await page.getByLabel("Search", { exact: true }).fill("no account has this name");
  await page.getByRole("button", { name: "Apply" }).click();
  assert.match(await page.locator("#accounts").innerText(), /No account matches/);
  await looks(page, where);
  assert.deepEqual(wrong, [], where);
  await close();
}

/** Turns the pages of ten thousand accounts by hand. */
async function manyByHand(browser, url, size) {
  const { page, wrong, close } = await open(browser, url, { size, javaScriptEnabled: false });
  const where = `10,000 by hand, ${size.width} px`;
  const turn = (list, to) => page.getByRole("navigation", { name: `Pages of ${list}` }).getByRole("link", { name: to }).click();
  assert.match(await page.title(), /planned · dry run · subaccountd$/);
  assert.match(await page.locator("#main").innerText(), /dry run/i);
  assert.match(await page.getByRole("region", { name: "Cannot be undone" }).innerText(), /1 account would be closed[\s\S]*2 numbers[\s\S]*\+15105559001/);
  assert.equal(await rows(page, "accounts").count(), 100, where);
  await turn("accounts", "Next");
  assert.match(await page.locator("#accounts h2").innerText(), /101 to 200 of 10,000/);
  await turn("accounts", "Last");
  assert.match(await page.locator("#accounts h2").innerText(), /9,901 to 10,000 of 10,000/);
  await turn("accounts", "Previous");
  await turn("held items", "Next");
  assert.match(await page.locator("#held h2").innerText(), /26 to 50 of/);
  assert.match(await page.locator("#accounts h2").innerText(), /9,801 to 9,900 of 10,000/, "the other list stays where it is");
  await page.getByLabel("Sort").selectOption("sid");
  await page.getByLabel("Search", { exact: true }).fill("region=apac customer-000");
  await page.getByRole("button", { name: "Apply" }).click();
  assert.equal(await rows(page, "accounts").count(), 33, where);
  assert.match((await rows(page, "accounts").allInnerTexts())[0], /customer-00002/);
  await looks(page, where);
  await page.goto(`${url}/?q=${ac(9_999)}&page=77&sort=%22%3E%3Cscript%3E`);
  assert.equal(await rows(page, "accounts").count(), 1, where);
  assert.match(await page.locator("#fleet").innerText(), /`sort` must be/);
  assert.deepEqual(wrong, [], where);
  await close();
}

/** Goes from the fleet to the page of an account and back. */
async function accountByHand(browser, url, size) {
  const { page, wrong, close } = await open(browser, url, { size, javaScriptEnabled: false });
  const where = `account by hand, ${size.width} px`;
  await page.locator("#held").getByRole("link", { name: ac(5), exact: true }).first().click();
  assert.match(page.url(), new RegExp(`/accounts/${ac(5)}$`), where);
  assert.match(await page.getByRole("heading", { level: 1 }).innerText(), /umbrella/, where);
  assert.match(await page.locator(".verdict").innerText(), /active/i, where);
  assert.match(await page.locator("#held").innerText(), /NeedsAddress[\s\S]*addressSid/, where);
  await page.getByRole("link", { name: "every 30 s" }).click();
  assert.equal(await page.locator("meta[http-equiv=refresh]").getAttribute("content"), "30", where);
  await looks(page, where);
  await page.getByRole("link", { name: "In the fleet" }).click();
  assert.equal(await rows(page, "accounts").count(), 1, where);
  assert.deepEqual(wrong, [], where);
  await close();
}

/** Checks that the page shows these words, on a phone too. */
async function saysAll(browser, name, url, words) {
  for (const size of SIZES) {
    const { page, wrong, close } = await open(browser, url, { size });
    const text = (await page.locator("body").innerText()).replace(/\s+/g, " ");
    for (const word of words) assert.match(text, word, `${name}, ${size.width} px`);
    assert.deepEqual(wrong, [], name);
    await close();
  }
}

async function measure(url) {
  for (const part of ["/", "/?q=customer-09999", "/?sort=changed&page=100"]) {
    const took = [];
    let bytes = 0;
    for (let n = 0; n < 5; n += 1) {
      const begin = performance.now();
      bytes = (await (await fetch(url + part)).arrayBuffer()).byteLength;
      took.push(performance.now() - begin);
    }
    console.log(`10,000 accounts: GET ${part}: ${bytes} bytes in ${Math.min(...took).toFixed(1)} ms (built for debugging)`);
    assert.ok(bytes < 300_000, `${part}: ${bytes} bytes`);
  }
}

async function shoot(browser, name, url) {
  fs.mkdirSync(shots, { recursive: true });
  const schemes = ["12", "account"].includes(name) ? ["light", "dark"] : ["light"];
  for (const size of SIZES) {
    for (const colorScheme of schemes) {
      const { page, close } = await open(browser, url, { size, colorScheme });
      const suffix = colorScheme === "dark" ? "-dark" : "";
      await page.screenshot({ path: path.join(shots, `status-${name}-${size.width}${suffix}.png`) });
      await close();
    }
  }
}

async function main() {
  const run = fs.mkdtempSync(path.join(HOME, "run."));
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM });
  try {
    const urls = {};
    for (const fleet of [empty(), twelve(), many(), broken()]) urls[fleet.name] = (await serve(fleet, run)).url;
    const trouble = await troubled(run);
    for (const [name, { url, words }] of Object.entries(trouble)) {
      await saysAll(browser, name, url, words);
      urls[name] = url;
    }
    urls.account = `${urls["12"]}/accounts/${ac(4)}`;
    for (const [name, url] of Object.entries(urls)) {
      await everyView(browser, name, url);
      console.log(`${name}: 8 views without a fault`);
      if (shots && name !== "broken") await shoot(browser, name, url);
    }
    for (const size of SIZES) {
      for (const script of [true, false]) await twelveByHand(browser, urls["12"], size, script);
      await manyByHand(browser, urls["10000"], size);
      await accountByHand(browser, urls["12"], size);
    }
    console.log("searched, filtered and paged by hand");
    await measure(urls["10000"]);
  } finally {
    await browser.close();
    children.forEach((child) => child.kill("SIGTERM"));
  }
  fs.rmSync(run, { recursive: true });
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
