/**
 * Every limit and fixed number of the product, each with the reason beside it.
 *
 * Units are in the names. A value that an operator may change is not here but in the configuration.
 */

/**
 * The largest request body, in bytes (64 KiB). Real bodies take 100 to 300 bytes and the longest licence
 * document a few KiB; more than this is a mistake or an attack, refused before a byte of it is parsed.
 */
export const MAX_BODY_BYTES = 65_536;

/**
 * The longest issued licence (AEGIS, CAIO, DTLIC2) as text: one that no request could carry is not read offline either. Such
 * text is ASCII, so characters are bytes; real ones have 500 to 2,000, of which an RSA signature takes 684.
 */
export const MAX_LICENSE_CHARACTERS = 65_536;

/** 9999-12-31T23:59:59Z, the last second that RFC 3339 can write: beyond it `Date` soon has no text. */
export const LAST_EPOCH_SECOND = 253_402_300_799;

/** The same in milliseconds: the last instant that a request may name and a record may hold. The first one is 0. */
export const LAST_INSTANT_MS = LAST_EPOCH_SECOND * 1000;

/**
 * How deeply arrays and objects may nest: `1` is at depth 0, `[]` at depth 1. Our own documents
 * need a handful, and `JSON.parse` accepts 1,000,000 levels, on which whatever walks the value next overflows.
 */
export const MAX_JSON_DEPTH = 32;

/**
 * A caller of the strict parser may raise its depth to here and no further: the parser is recursive, and
 * even a stack of 400 KiB, less than browsers give a worker, holds four times this.
 */
export const MAX_JSON_DEPTH_CEILING = 512;

/** Free-form strings of requests (licence keys, hardware ids, products): longer than any in the field. */
export const MAX_STRING_LENGTH = 256;

/** A client's nonce: room for 512 bits in base64. */
export const MAX_NONCE_LENGTH = 128;

/** Heartbeat interval and lease of a licence whose operator says nothing else, as today's clients expect. */
export const DEFAULT_HEARTBEAT_SECONDS = 300;
export const DEFAULT_LEASE_SECONDS = 360;

/**
 * How long after the end of a lease its seat may go to another machine: more than the clocks of two instances
 * differ where NTP runs. An operator may change it.
 */
export const DEFAULT_CLOCK_SKEW_SECONDS = 30;

/** How far ahead of the verifier's clock a document may have been signed. Laptops drift more than servers. */
export const CLIENT_CLOCK_SKEW_SECONDS = 300;

/** How long an idempotency key is remembered: longer than any client keeps retrying one request. */
export const IDEMPOTENCY_TTL_SECONDS = 86_400;

/**
 * How often a use case reads again after a lost race. Every conflict means that another request went ahead, so
 * this is how many others one request can lose to; with 500 at once on one licence it takes about ten.
 */
export const MAX_COMMIT_ATTEMPTS = 64;

/**
 * Seat ids read in one query while looking for a free one: as many as promise `ENOUGH_FREE_SEATS`, between these
 * limits. Each taken one is a billed read.
 */
export const MIN_SEAT_WINDOW = 64;
export const MAX_SEAT_WINDOW = 512;

/** Free seats that a window should hold on average: then it holds none once in 55 times, e^-4. */
export const ENOUGH_FREE_SEATS = 4;

/**
 * A signature is asked for before the commit only where this many seats are believed free for each acquire under way: of
 * machines that race for few seats, those that lose must not have cost one.
 */
export const FREE_SEATS_EACH = 16;

/** Seats tried without looking, where at least half of them are believed free: the last one fails once in 8 times. */
export const SEAT_GUESSES = 3;

/** Expired sessions looked at when no seat is free: enough for requests that race to spread over them. */
export const REAP_WINDOW = 16;

/** `Retry-After` of a 503: long enough for a blip to pass, shorter than any heartbeat interval. */
export const RETRY_AFTER_SECONDS = 5;

/**
 * How long clients may cache public keys and the key manifest. A compromise must be known everywhere within a minute: this,
 * the 15 s after which an instance looks at its keys again, and a margin.
 */
export const PUBLIC_KEY_MAX_AGE_SECONDS = 30;

/**
 * Attempts of one acquire that follow within this time give the same document, so that a signature can serve a later
 * one. Their lease is that of the first, so this much shorter at most; the shortest lease is a second.
 */
export const SAME_BEGINNING_MS = 500;

/** How often a use case reads and decides again after a commit whose outcome it was not told. */
export const MAX_INTERRUPTED_COMMITS = 4;

/**
 * A request decides nothing again when it is this old: its client is about to give up, and what operators change must
 * not be overtaken by requests from long before.
 */
export const MAX_REQUEST_SECONDS = 20;

/** The first pause before that; each later one is three times as long. Jitter takes up to half off. */
export const INTERRUPTED_COMMIT_PAUSE_MS = 50;

/** What one instance remembers: 44 MB of heap when both are full. */
export const REMEMBERED_LICENSES = 10_000;
export const REMEMBERED_SESSIONS = 50_000;

/**
 * How long an instance believes its count of free seats. Others grant seats too; believing too much costs one signature
 * for nothing, and the refusal that follows corrects it.
 */
export const FREE_SEATS_TTL_SECONDS = 600;

/**
 * After seats were lowered, how long requests that started before may still commit: longer than any request lasts.
 * Until then, and while a seat beyond the number is held, grants look for such seats first.
 */
export const SEATS_SETTLE_SECONDS = 60;

/** Documents that maintenance reads in one query, and how many of them it works on at once. */
export const MAINTENANCE_PAGE = 100;
export const MAINTENANCE_PARALLEL = 16;

/** How often a process that serves everything sweeps: the ledger is at most this far behind. */
export const DEFAULT_SWEEP_INTERVAL_SECONDS = 60;

/** How long one sweep lasts at most: below the 60 s after which Cloud Scheduler and load balancers give up. */
export const SWEEP_SECONDS = 45;

/** How long clients may rely on a manifest without fetching a newer one: a client that is offline for less notices nothing. */
export const DEFAULT_MANIFEST_DAYS = 30;

/** Certificates are renewed when half their life is over. The root's is as long as clients keep a build. */
export const ROOT_CERTIFICATE_DAYS = 3650;
export const KEY_CERTIFICATE_DAYS = 1095;

/**
 * How long a key must have been published before it signs: key sets are cached for `PUBLIC_KEY_MAX_AGE_SECONDS`, and
 * instances look at their list each 15 s.
 */
export const MIN_STAGED_SECONDS = 60;

/** How long a key verifies after another one took over, unless the operator says: a yearly licence and a year of slack. */
export const DEFAULT_SUNSET_DAYS = 730;

/** Customers with one address whose licences are found by it: as many values as a Firestore query compares with. */
export const MAX_CUSTOMERS_OF_ADDRESS = 30;

/** Verdicts on `CAIO-v1` licences that an instance remembers of each key: 1 MB. */
export const REMEMBERED_MACS = 10_000;

/** Slots of a licence that are looked at in one query while looking for a free one. */
export const SLOT_WINDOW = 256;

/** How old an activation's `last_seen_at` gets before a repeated activate writes it again. */
export const LAST_SEEN_SECONDS = 60;

/**
 * Wrong keys and tokens within a window, from one network and of keys that begin alike, after which an instance asks to wait. No
 * key of 256 bits is guessed at any rate: this keeps the store from those who try, and a wrong script is told.
 */
export const ATTEMPT_WINDOW_SECONDS = 60;
export const FAILED_ATTEMPTS_PER_KEY = 10;
export const FAILED_ATTEMPTS_PER_NETWORK = 50;

/** Networks and beginnings of keys whose failures one instance remembers: 2 MB of heap when full. */
export const REMEMBERED_ATTEMPTS = 10_000;

/** How old the last use of an API key is at most where it is shown: one write in this time, not one a request. */
export const API_KEY_USE_SECONDS = 300;

/** How far the clock of whoever issues ID tokens may be from ours. */
export const TOKEN_CLOCK_SKEW_SECONDS = 30;

/** How long an issuer of ID tokens may take to answer with its keys. */
export const IDENTITY_TIMEOUT_MS = 3000;

/** Events in one part of an export: about 1 MB of text, which an instance can hold for some tens of callers. */
export const EXPORT_PAGE = 1000;

/**
 * How long an operator's write waits for those before it in the same process: some hundred of them. One that waits in vain, as
 * behind a store that hangs, competes instead.
 */
export const MAX_TURN_WAIT_MS = 5000;

/** The longest pause after an operator's write was lost to one of another process; its length is random. */
export const LOST_TURN_PAUSE_MS = 50;

/**
 * How often an operator's write has its documents signed before it gives up. Each time but the first means that somebody else
 * has changed the same licence meanwhile, so this is how many others it can lose to.
 */
export const MAX_SIGNING_ROUNDS = 16;
