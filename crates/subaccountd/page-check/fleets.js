// The fleets of the check: a world for the simulator, a state for the daemon, and the flags of the daemon.
"use strict";

const MAIN = "AC" + "0".repeat(32);
const TOKEN = "page-check-token";

const ac = (n) => "AC" + n.toString(16).padStart(32, "0");
const pn = (n) => "PN" + n.toString(16).padStart(32, "0");
const phone = (n) => "+1510555" + String(n).padStart(4, "0");
/** JSON is YAML, and quotes every name. */
const y = JSON.stringify;

class Fleet {
  constructor(name, flags) {
    Object.assign(this, { name, flags, accounts: [], numbers: [], entries: [], tail: "", token: TOKEN, main: MAIN });
  }

  /** Adds an account at Twilio, and its entry in the state. */
  add(n, name, observed, entry) {
    this.accounts.push({ sid: ac(n), friendlyName: name, status: observed });
    return this.list(n, entry);
  }

  list(n, entry) {
    this.entries.push({ sid: ac(n), ...entry });
    return this;
  }

  number(n, owner, addressRequirements = "none") {
    this.numbers.push({ sid: pn(n), phoneNumber: phone(n), owner: ac(owner), addressRequirements });
    return this;
  }

  world() {
    const lines = (items) => (items.length ? "\n" + items.map((item) => `  - ${y(item)}`).join("\n") : " []");
    return `main: {sid: ${MAIN}, authToken: ${TOKEN}, friendlyName: main}\naccounts:${lines(this.accounts)}\nnumbers:${lines(this.numbers)}\n`;
  }

  state() {
    const entries = this.entries.length ? "\n" + this.entries.map((e) => `  - ${y(e)}`).join("\n") : " []";
    return `apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {sid: ${MAIN}}\nsubaccounts:${entries}\n${this.tail}`;
  }
}

/** Nothing listed yet. */
const empty = () => new Fleet("0", []);

/** Twelve accounts, of which some are held; the others are reconciled. */
function twelve() {
  // On a new journal a suspension of unknown origin would be held.
  return new Fleet("12", ["--interval", "2s", "--reactivation", "always"])
    .add(1, "acme", "suspended", { status: "active", reason: "invoice 4711 paid", numbers: [phone(101)] })
    .add(2, "initech", "active", { status: "suspended", reason: "invoice 4712 unpaid", labels: { owner: "billing", ticket: "OPS-12" } })
    .add(3, "hooli", "active", { status: "active", numbers: [phone(103)] })
    .add(4, "globex", "active", { status: "closed", reason: "contract ended", close: { confirm: "globex" } })
    .add(5, "umbrella", "active", { status: "active", numbers: [{ number: phone(105) }] })
    .add(6, "Smith & Sons <b>\"quoted\"</b>", "active", { status: "suspended", friendlyName: "smith" })
    .list(7, { status: "active", labels: { owner: "sales" } })
    .add(8, "wayne", "closed", { status: "active" })
    .add(9, "stark", "active", { status: "suspended", paused: true, reason: "<script>alert(1)</script>" })
    .add(10, "tyrell", "closed", { status: "closed", close: { confirm: "tyrell" } })
    .add(11, "a-name-as-long-as-Twilio-lets-names-be-and-without-any-space-1234", "active", { status: "active" })
    .add(12, "cyberdyne", "active", { status: "active", numbers: [phone(112)] })
    .number(101, 3).number(103, 3).number(105, 3, "any");
}

/** Ten thousand accounts in a dry run: some to change, some held, one close that would release numbers. */
function many() {
  const fleet = new Fleet("10000", ["--dry-run", "--interval", "1h", "--close-after", "0s", "--max-released-numbers", "9"]);
  for (let n = 1; n <= 10000; n += 1) {
    const name = `customer-${String(n).padStart(5, "0")}`;
    const labels = { region: ["emea", "amer", "apac"][n % 3] };
    if (n % 500 === 7) fleet.add(n, name, "active", { status: "active", friendlyName: `${name}-old`, labels });
    else if (n % 500 === 11) fleet.add(n, name, "closed", { status: "active", labels });
    else if (n % 1000 === 13) fleet.list(n, { status: "active", labels });
    else if (n % 250 === 17) fleet.add(n, name, "active", { status: "suspended", reason: `invoice ${n} unpaid`, labels });
    else if (n % 500 === 19) fleet.add(n, name, "suspended", { status: "active", reason: `invoice ${n} paid`, labels });
    else if (n % 250 === 23) fleet.add(n, name, "active", { status: "suspended", paused: true, labels });
    else if (n % 500 === 29) fleet.add(n, name, "active", { status: "active", labels, numbers: [phone(Math.floor(n / 10))] }).number(Math.floor(n / 10), 30, n % 1000 === 29 ? "any" : "none");
    // It holds what others claim. Since it claims a number itself its list is read, and no search through all lists begins.
    else if (n === 30) fleet.add(n, name, "active", { status: "active", labels, numbers: [phone(9030)] }).number(9030, 30);
    else fleet.add(n, name, "active", { status: "active", labels });
  }
  fleet.add(10001, "customer-closing", "suspended", { status: "closed", reason: "contract ended", close: { confirm: "customer-closing", release: [phone(9001), phone(9002)] } });
  fleet.entries.splice(41, 1);
  fleet.accounts.splice(41, 1);
  return fleet.number(9001, 10001).number(9002, 10001);
}

/** The twelve, while the whole state is paused. */
function paused() {
  const fleet = named(twelve(), "paused");
  fleet.tail = "paused: true\n";
  return fleet;
}

/** The twelve in a dry run, with a close that is due. */
function dryRun() {
  const fleet = named(twelve(), "dry-run", "--dry-run", "--close-after", "0s");
  return fleet.add(13, "soylent", "suspended", { status: "closed", reason: "contract ended", close: { confirm: "soylent" } });
}

/** The twelve, when Twilio has not answered since a while. */
const outage = () => named(twelve(), "outage");

/** The twelve, and then faults in the state. */
function faults() {
  const fleet = named(twelve(), "faults");
  fleet.edited = (state) => state
    .replace('"status":"active","numbers":["+15105550112"]', '"status":"activ","numbers":["+15105550112"]')
    .replace('"labels":{"owner":"sales"}', '"labels":{"owner":"sales"},"colour":"red"');
  return fleet;
}

/** A clock of Twilio's that is 20 minutes ahead. */
const clocks = () => named(twelve(), "clocks");

/** The twelve, when the journal was moved away under the daemon. */
const journal = () => named(twelve(), "journal");

function named(fleet, name, ...flags) {
  return Object.assign(fleet, { name, flags: [...fleet.flags, ...flags] });
}

/** Faults in the state, and credentials that are not accepted. */
function broken() {
  const fleet = new Fleet("broken", ["--interval", "1s"]);
  fleet.add(1, "acme", "active", { status: "activ" }).add(2, "initech", "active", { status: "suspended", nubmers: [] });
  fleet.token = "another-token";
  return fleet;
}

module.exports = { ac, phone, empty, twelve, many, broken, paused, dryRun, outage, faults, clocks, journal };
