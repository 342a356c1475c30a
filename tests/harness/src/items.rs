//! The table's items, read and changed behind everybody's back.

use std::sync::Arc;

use serde_json::{Value, json};
use shared::ids::OrganizationId;

use crate::{
    Fault, Person, World,
    engine::{TABLE, plain_item},
    faults::Intrusion,
};

impl World {
    /// The audit records of an organization, oldest first, as plain JSON.
    #[must_use]
    pub fn audit(&self, organization: OrganizationId) -> Vec<Value> {
        let partition = format!("AUDIT#{organization}#");
        let mut records: Vec<_> = self.items_under(&partition);
        records.sort_by_key(|record| record["SK"].to_string());
        records
    }

    /// The audit records of one kind of action in a person's organization, oldest first.
    #[must_use]
    pub fn audited(&self, person: &Person, action: &str) -> Vec<Value> {
        let mut records = self.audit(person.organization_id);
        records.retain(|record| record["action"] == action);
        records
    }

    /// The items whose partition key begins like that, as plain JSON.
    #[must_use]
    pub fn items_under(&self, partition: &str) -> Vec<Value> {
        let items = self.engine.items();
        let under = |item: &Value| item["PK"].as_str().unwrap().starts_with(partition);
        items.iter().map(plain_item).filter(under).collect()
    }

    /// The whole table as text, for what must not be in it, and for comparing before and after: without
    /// how many requests a credential has made, which every tenth one tells, whatever comes of it.
    #[must_use]
    pub fn dump(&self) -> String {
        let mut items = self.engine.items();
        items.retain(|item| !item["PK"]["S"].as_str().unwrap().starts_with("RATE#"));
        let mut items: Vec<_> = items.iter().map(ToString::to_string).collect();
        items.sort();
        items.join("\n")
    }

    /// Changes an item behind everybody's back. The item is in the table's own notation.
    pub fn tamper(&self, partition: &str, change: impl Fn(&mut Value)) {
        self.engine.change(partition, change);
    }

    /// The same, just before the next call of that name sets out: after a request has read the
    /// item, and before it writes.
    pub fn tamper_before(
        &self,
        call: &'static str,
        partition: String,
        change: impl Fn(&mut Value) + Send + Sync + 'static,
    ) {
        let engine = self.engine.clone();
        let intrude = move || engine.change(&partition, &change);
        self.orders.intrude(call, Intrusion(Arc::new(intrude)));
    }

    /// The items of a partition, in the table's own notation.
    #[must_use]
    pub fn raw_items(&self, partition: &str) -> Vec<Value> {
        let mut items = self.engine.items();
        items.retain(|item| item["PK"]["S"] == partition);
        items
    }

    pub(crate) fn raw(&self, partition: &str) -> Value {
        let mut items = self.engine.items().into_iter();
        items.find(|item| item["PK"]["S"] == partition).expect("no such item")
    }

    /// Lets something happen just before the next call of that name sets out.
    pub fn intrude(&self, call: &'static str, happening: impl Fn() + Send + Sync + 'static) {
        self.orders.intrude(call, Intrusion(Arc::new(happening)));
    }

    /// Has the next call of that name answered with this, as an index does that follows the table with
    /// a delay; the call does not set out.
    pub fn answer(&self, call: &'static str, body: &Value) {
        self.orders.answer(call, body.to_string());
    }

    /// The answer of the read that decides a person's access, as it is now: a request whose read is
    /// [answered](Self::answer) with it later knows nothing that has come since.
    #[must_use]
    pub fn auth_read(&self, person: &Person) -> Value {
        let organization = format!("ORG#{}", person.organization_id);
        let user = format!("USER#{}#{}", person.organization_id, person.user_id);
        let items = [self.raw(&organization), self.raw(&user)];
        json!({"Responses": {TABLE: items}, "UnprocessedKeys": {}})
    }

    /// Orders what goes wrong with calls of the name `next`, once the next `call` has set out.
    pub fn order_after(&self, call: &'static str, next: &'static str, fault: Fault, times: usize) {
        let orders = self.orders.clone();
        self.intrude(call, move || orders.push(next, fault, times));
    }

    /// Puts an item behind everybody's back, in the table's own notation.
    pub fn put(&self, item: &Value) {
        self.engine.put(item);
    }

    /// The same, just before the next call of that name sets out; and removes others, each named by
    /// its partition and sort key.
    pub fn put_before(
        &self,
        call: &'static str,
        items: Vec<Value>,
        removed: Vec<(String, String)>,
    ) {
        let engine = self.engine.clone();
        self.intrude(call, move || {
            for item in &items {
                engine.put(item);
            }
            for (partition, sort) in &removed {
                engine.remove(partition, sort);
            }
        });
    }

    /// Removes an item behind everybody's back.
    pub fn remove(&self, partition: &str, sort: &str) {
        self.engine.remove(partition, sort);
    }
}
