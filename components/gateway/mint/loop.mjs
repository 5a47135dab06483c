// Keeps one token valid: makes it, renews it before it ends, and takes it from Envoy at its end.
import { clockProblem, readAssertion, timeProblem } from "./assertion.mjs";
import { CallError } from "./call.mjs";

/** How often the assertion's file is looked at while a new one is needed. */
const POLL_SECONDS = 1;

/** Envoy stops sending a token so long before its end, or a tenth of its life: a request needs a moment to arrive. */
const MARGIN_SECONDS = 2;

/** Longest wait after a refusal, which somebody has to mend; and while the endpoint is out of reach or busy. */
const LONGEST_WAIT_SECONDS = { mended: 300, outage: 30 };

export class Loop {
  #config;
  #source;
  #store;
  #fs;
  #now;
  #uptime;
  #log;
  /** The token `value`, when it ends and when to renew it, by the clock that nobody sets. */
  #token;
  /** Digest of the assertion that was exchanged, and the signing key of the last one that was good. */
  #spent;
  #kid;
  #failures = 0;
  #retryAt = 0;

  /**
   * @param now Unix seconds, @param uptime seconds of a clock that nobody sets and that a restart of the process does not
   * reset, @param log takes a level and a message
   */
  constructor({ config, source, store, fs, now, uptime, log }) {
    this.#config = config;
    this.#source = source;
    this.#store = store;
    this.#fs = fs;
    this.#now = now;
    this.#uptime = uptime;
    this.#log = log;
  }

  /** Finds the token of an earlier process again. Envoy has a file afterwards, with or without a token. */
  start() {
    const { token, spent, kid, source } = this.#store.load();
    const same = source === JSON.stringify(this.#config.source);
    this.#kid = same ? kid : undefined;
    this.#spent = spent;
    const left = (token?.endsAt ?? 0) - this.#uptime();
    if (same && left > 0 && left <= token.lifetimeSeconds) {
      this.#token = token;
      this.#log("info", `found the token again, good for ${Math.floor(left)} s`);
    }
    this.#store.give(this.#token?.value);
    if (this.#token === undefined) this.#store.explain("no token yet");
  }

  /** Does what is due, and returns the seconds until something else can be. Never throws. */
  async step() {
    try {
      const due = Math.max(this.#token?.renewAt ?? 0, this.#retryAt);
      if (due <= this.#uptime()) await this.#renew();
    } catch (error) {
      this.#fail(error, LONGEST_WAIT_SECONDS.outage);
    }
    const next = Math.max(this.#token?.renewAt ?? 0, this.#retryAt);
    return Math.min(Math.max(next - this.#uptime(), 0.01), 60);
  }

  /**
   * Takes the token from Envoy at its end, also while a request for another one is on its way. Returns the seconds until
   * there is something to do. Never throws.
   */
  end() {
    const left = (this.#token?.endsAt ?? Infinity) - this.#uptime();
    if (left > 0) return Math.min(left, 1);
    try {
      this.#store.give(undefined);
      this.#token = undefined;
      this.#log("error", "the token has ended and there is no other: agents get status 503");
    } catch (error) {
      this.#log("error", `the token has ended and cannot be taken away: ${error.message}`);
    }
    return 1;
  }

  async #renew() {
    const assertion = this.#source.usesAssertion ? this.#assertion() : undefined;
    if (this.#source.usesAssertion && assertion === undefined) return;
    // Before it is sent: if this process ends now, or the answer is lost, the next one must not send it again.
    if (this.#source.singleUse) this.#spend(assertion.digest);
    const sentAt = this.#uptime();
    let minted;
    try {
      minted = await this.#source.mint(assertion, this.#now());
      this.#checkLifetime(minted, assertion);
    } catch (error) {
      this.#refused(error, assertion);
      return;
    }
    const { token: value, lifetimeSeconds } = minted;
    const early = Math.min(this.#config.renewBeforeSeconds, (lifetimeSeconds * 2) / 3);
    const endsAt = sentAt + lifetimeSeconds - Math.min(MARGIN_SECONDS, lifetimeSeconds / 10);
    this.#token = { value, endsAt, renewAt: endsAt - early, lifetimeSeconds };
    this.#kid = assertion?.claims.kid;
    this.#failures = 0;
    this.#retryAt = 0;
    this.#save();
    this.#store.give(value);
    this.#log("info", `new token, good for ${lifetimeSeconds} s`);
    const clock = clockProblem(minted.dateSeconds, this.#now());
    if (clock !== undefined) this.#log("warning", clock);
  }

  /** The assertion to exchange now, or undefined if another one has to come first. */
  #assertion() {
    const assertion = readAssertion(this.#fs, this.#config.assertionFile);
    if (!this.#source.singleUse) return assertion;
    const left = (this.#token?.endsAt ?? 0) - this.#uptime();
    const spent = assertion.digest === this.#spent;
    // An old assertion makes a token that ends before the one that is in use.
    const better = this.#source.longestSeconds(assertion.claims, this.#now()) > left;
    if (!spent && better) return assertion;
    if (this.#token === undefined && this.#failures === 0) {
      this.#problem("the assertion was used already: waiting for the next one from the kubelet");
    }
    this.#retryAt = this.#uptime() + Math.min(POLL_SECONDS, left > 0 ? left / 4 : POLL_SECONDS);
    return undefined;
  }

  #spend(digest) {
    this.#spent = digest;
    this.#save();
  }

  #save() {
    this.#store.save({
      token: this.#token,
      spent: this.#spent,
      kid: this.#kid,
      source: JSON.stringify(this.#config.source),
    });
  }

  /** A lifetime that is short because the assertion was old is no reason to refuse the token. */
  #checkLifetime({ lifetimeSeconds, dateSeconds }, assertion) {
    const min = this.#config.minLifetimeSeconds;
    const longest = this.#source.longestSeconds?.(assertion.claims, dateSeconds ?? this.#now());
    if (lifetimeSeconds >= Math.min(min, (longest ?? min) - 5)) return;
    const message = this.#source.tooShort(lifetimeSeconds, min);
    throw new CallError(message, "unusable", { dateSeconds });
  }

  /** Says what went wrong with an exchange and where to look. */
  #refused(error, assertion) {
    if (!(error instanceof CallError)) throw error;
    const { outcome, status, dateSeconds, retryAfterSeconds = 0 } = error;
    if (this.#source.singleUse && (outcome === "unsent" || outcome === "busy")) {
      this.#spend(undefined);
    }
    const now = this.#now();
    const parts = [
      error.message,
      outcome === "refused" && this.#source.advice(status, assertion?.claims ?? {}, this.#kid),
      outcome === "lost" &&
        this.#source.singleUse &&
        "the assertion may be used up: waiting for the next one from the kubelet",
      assertion !== undefined && outcome === "refused" && timeProblem(assertion.claims, now),
      clockProblem(dateSeconds, now),
    ];
    const outage = outcome === "unsent" || outcome === "busy" || outcome === "lost";
    const longest = outage ? LONGEST_WAIT_SECONDS.outage : LONGEST_WAIT_SECONDS.mended;
    this.#fail(new Error(parts.filter(Boolean).join("; ")), longest, retryAfterSeconds);
  }

  /** Reports a failure and waits twice as long as after the last one. */
  #fail(error, longestSeconds, atLeastSeconds = 0) {
    this.#problem(error.message);
    const doubled = Math.min(2 ** this.#failures, longestSeconds);
    this.#failures = Math.min(this.#failures + 1, 16);
    this.#retryAt = this.#uptime() + Math.min(Math.max(doubled, atLeastSeconds), 300);
  }

  #problem(message) {
    const left = (this.#token?.endsAt ?? 0) - this.#uptime();
    const rest =
      left > 0
        ? `the token in use is good for ${Math.floor(left)} s`
        : "agents get status 503 until there is a token";
    this.#log("error", `no new token: ${message}; ${rest}`);
    try {
      this.#store.explain(message);
    } catch {
      // The folder is full or gone, which is the problem that was just logged.
    }
  }
}
