//! Records that a test puts into the log, and the way through all pages.

use harness::{Client, Person, World};
use serde_json::{Value, json};
use shared::{clock::Timestamp, ids::AuditId};

/// The list.
pub(crate) const PATH: &str = "/api/audit-log";

/// An organization's partition of a moment's day.
pub(crate) fn partition(person: &Person, at: Timestamp) -> String {
    format!("AUDIT#{}#{}", person.organization_id, at.day())
}

/// Puts a record of the operator's, the `number`th of its millisecond, and its day.
pub(crate) fn put(world: &World, person: &Person, at: &str, number: u128, action: &str) -> String {
    let at = Timestamp::parse(at).unwrap();
    let id = AuditId::from_bits(AuditId::first_of(at).to_bits() + number).to_string();
    world.put(&json!({
        "PK": {"S": partition(person, at)}, "SK": {"S": id}, "id": {"S": id},
        "organization_id": {"S": person.organization_id},
        "occurred_at": {"N": at.as_second().to_string()},
        "actor": {"M": {"type": {"S": "operator"}}}, "action": {"S": action},
        "target": {"S": person.user_id}, "request_id": {"S": "put"},
    }));
    world.put(&json!({
        "PK": {"S": format!("LOGDAYS#{}", person.organization_id)},
        "SK": {"S": format!("audit#{}", at.day())},
    }));
    id
}

/// A text of each record of a list.
pub(crate) fn texts(records: &Value, name: &str) -> Vec<String> {
    let records = records.as_array().unwrap();
    records.iter().map(|record| record[name].as_str().unwrap().to_owned()).collect()
}

/// The ids of all pages, and how many pages there are.
pub(crate) async fn all(client: &Client<'_>, token: &str, query: &str) -> (Vec<String>, usize) {
    let (mut ids, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let answer = client.get(format!("{PATH}?{query}{cursor}")).bearer(token).send().await;
        ids.extend(texts(answer.data(200), "id"));
        pages += 1;
        match answer.body["meta"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (ids, pages),
        }
    }
}
