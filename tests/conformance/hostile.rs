//! Hostile requests, by the thousand, derived from the document: none of them may be answered by a 500.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use serde_json::{Value, json};
use system_tests::System;

/// How many requests are sent.
const REQUESTS: u32 = 50_000;
const THREADS: u32 = 8;

/// What a token would lose for all requests that follow.
const ENDS_SESSIONS: [&str; 3] = ["/api/logout", "/api/user/sessions", "/api/user/sessions/{id}"];

const TEXTS: [&str; 14] = [
    "",
    " ",
    "\u{0}",
    "\u{202e}\u{feff}",
    "🦀🦀🦀",
    "null",
    "../../../etc/passwd",
    "' OR 1=1 --",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "-1",
    "1e400",
    "usr_01jq8me0000000000000000000",
    "\\u0000\\ud800",
];

const SEGMENTS: [&str; 10] = [
    "key_01jq8me0000000000000000000",
    "nch_01jq8me0000000000000000000",
    "ipw_7zzzzzzzzzzzzzzzzzzzzzzzzz",
    "canvas.snap_to_grid",
    "%00",
    "%FF%FE",
    "..%2F..%2F",
    "%F0%9F%A6%80",
    "KEY_01JQ8ME0000000000000000000",
    "a%20b+c",
];

/// `SplitMix64`: a few lines, and the same requests every time.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count as u64).unwrap()
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    fn junk(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 9 } else { 11 }) {
            0 => Value::Null,
            1 => json!(self.one_in(2)),
            2 => json!(self.next()),
            3 => json!(-1.5e300),
            4 => json!(i64::MIN),
            5 => json!(*self.of(&TEXTS)),
            6 => json!("x".repeat(self.below(5000))),
            7 => json!([]),
            8 => json!({}),
            9 => (0..self.below(4)).map(|_| self.junk(depth - 1)).collect(),
            _ => json!({*self.of(&TEXTS): self.junk(depth - 1)}),
        }
    }

    /// Changes something somewhere.
    fn mutate(&mut self, value: &mut Value) {
        match value {
            Value::Object(map) if !map.is_empty() && !self.one_in(6) => {
                let key = map.keys().nth(self.below(map.len())).unwrap().clone();
                match self.below(5) {
                    0 => drop(map.remove(&key)),
                    1 => drop(map.insert((*self.of(&TEXTS)).to_owned(), self.junk(2))),
                    _ => self.mutate(&mut map[&key]),
                }
            }
            Value::Array(list) if !list.is_empty() && !self.one_in(4) => {
                let index = self.below(list.len());
                self.mutate(&mut list[index]);
            }
            value => *value = self.junk(3),
        }
    }
}

/// An operation of the document.
struct Operation {
    method: String,
    path: String,
    queries: Vec<String>,
    /// Bodies that are good, where it takes one.
    bodies: Vec<Value>,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&openapi::text().unwrap()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let queries = parameters.iter().filter(|it| it["in"] == "query");
            let content = &operation["requestBody"]["content"]["application/json"];
            let examples = content["examples"].as_object().into_iter().flatten();
            let bodies = examples.map(|(_, example)| example["value"].clone());
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                queries: queries.map(|it| it["name"].as_str().unwrap().to_owned()).collect(),
                bodies: bodies.chain(content.get("example").cloned()).collect(),
            });
        }
    }
    operations
}

/// A request.
struct Request {
    method: String,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Vec<u8>>,
}

fn request(chance: &mut Chance, operation: &Operation, tokens: &[&str]) -> Request {
    let mut target = operation.path.clone();
    while let Some((before, after)) = target.split_once('{') {
        let after = after.split_once('}').unwrap().1;
        let segment =
            if chance.one_in(12) { "k".repeat(4000) } else { (*chance.of(&SEGMENTS)).into() };
        target = format!("{before}{segment}{after}");
    }
    for index in 0..chance.below(3) {
        let name = operation.queries.get(index).map_or("colour", String::as_str);
        // Forced, an allowlist shuts out the very caller, and with them all requests that follow.
        let value = if name == "force" { "2" } else { *chance.of(&SEGMENTS) };
        // Writing to a string cannot fail.
        let _ = write!(target, "{}{name}={value}", if index == 0 { '?' } else { '&' });
    }
    let mut headers = Vec::new();
    let token = *chance.of(tokens);
    let spoiled = chance.one_in(8) || ENDS_SESSIONS.contains(&operation.path.as_str());
    if !token.is_empty() {
        let token = if spoiled { token.replace('a', "b") } else { token.to_owned() };
        headers.push(("authorization", format!("Bearer {token}")));
    }
    if chance.one_in(6) {
        headers.push(("if-match", (*chance.of(&["\"1\"", "*", "W/\"1\"", "x", "\"", ""])).into()));
    }
    if chance.one_in(6) {
        let key = *chance.of(&["k", "two words", "", "0123456789"]);
        headers.push(("idempotency-key", key.to_owned()));
    }
    let method = if chance.one_in(25) {
        (*chance.of(&["GET", "POST", "PUT", "DELETE", "PATCH"])).to_owned()
    } else {
        operation.method.clone()
    };
    let takes_body = ["POST", "PUT", "PATCH"].contains(&method.as_str());
    let body = takes_body.then(|| body(chance, operation));
    if body.is_some() && !chance.one_in(20) {
        let kinds = ["application/json", "application/json; charset=utf-8", "text/plain"];
        let kind = if chance.one_in(20) { kinds[2] } else { kinds[chance.below(2)] };
        headers.push(("content-type", kind.to_owned()));
    }
    Request { method, target, headers, body }
}

fn body(chance: &mut Chance, operation: &Operation) -> Vec<u8> {
    match chance.below(30) {
        0 => Vec::new(),
        1 => b"{\"unfinished\": ".to_vec(),
        // What is no UTF-8 cargo-lambda cannot hand on; API Gateway does, in base 64, as the route tests do.
        2 => "{\"name\": \"\u{0}\"}".into(),
        3 => "[".repeat(chance.below(20_000)).into_bytes(),
        4 => format!("\"{}\"", "x".repeat(66_000)).into_bytes(),
        5 => b"{\"a\": 1, \"a\": 2, \"name\": \"x\", \"name\": \"y\"}".to_vec(),
        6 => chance.junk(4).to_string().into_bytes(),
        _ if operation.bodies.is_empty() => chance.junk(2).to_string().into_bytes(),
        _ => {
            let mut body = chance.of(&operation.bodies).clone();
            for _ in 0..chance.below(4) {
                chance.mutate(&mut body);
            }
            body.to_string().into_bytes()
        }
    }
}

/// Sends them all; whether none was answered by a 500, and nothing has panicked.
pub(crate) fn send(system: &System, tokens: &[&str]) -> bool {
    let (operations, sent) = (operations(), AtomicU32::new(0));
    let worker = |seed: u32| {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build()
            .new_agent();
        let mut statuses = BTreeMap::<u16, u32>::new();
        let mut faults = Vec::new();
        let mut chance = Chance(u64::from(seed));
        while sent.fetch_add(1, Ordering::Relaxed) < REQUESTS {
            let operation = &operations[chance.below(operations.len())];
            let request = request(&mut chance, operation, tokens);
            let url = format!("{}{}", system.url(), request.target);
            let mut builder = ureq::http::Request::builder().method(&*request.method).uri(url);
            for (name, value) in &request.headers {
                builder = builder.header(*name, value);
            }
            let request = builder.body(request.body.unwrap_or_default()).unwrap();
            let (method, uri) = (request.method().clone(), request.uri().clone());
            let status = agent.run(request).map(|answer| answer.status().as_u16());
            *statuses.entry(status.as_ref().copied().unwrap_or(0)).or_default() += 1;
            match status {
                Ok(status) if status < 500 || status == 503 => {}
                other => faults.push(format!("{method} {uri}: {other:?}")),
            }
        }
        (statuses, faults)
    };
    let outcomes: Vec<_> = thread::scope(|scope| {
        let worker = &worker;
        let workers: Vec<_> = (0..THREADS).map(|seed| scope.spawn(move || worker(seed))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let mut statuses = BTreeMap::<u16, u32>::new();
    for (status, count) in outcomes.iter().flat_map(|(statuses, _)| statuses) {
        *statuses.entry(*status).or_default() += count;
    }
    let faults: Vec<_> = outcomes.iter().flat_map(|(_, faults)| faults).collect();
    let total: u32 = statuses.values().sum();
    let panicked = system.log().contains("panicked at");
    println!("{total} requests, by status: {statuses:?}");
    for fault in faults.iter().take(20) {
        println!("  {fault}");
    }
    println!("{} answers of 500 or none at all; panics: {panicked}", faults.len());
    total >= REQUESTS && faults.is_empty() && !panicked
}
