//! Allowlists, set up without a request.

use shared::{
    auth::allowlist::{Allowlist, Rules},
    clock::Timestamp,
    ids::AllowlistEntryId,
    model::allowlist::{Entries, Entry},
    store::AllowlistChange,
};

use crate::{Person, World};

impl World {
    /// Adds networks to the allowlist of a person's organization.
    pub async fn allow(&self, person: &Person, networks: &[&str]) -> Vec<AllowlistEntryId> {
        let mut ids = Vec::new();
        for network in networks {
            ids.push(self.allow_until(person, network, None).await);
        }
        ids
    }

    /// Adds a network that ends.
    pub async fn allow_until(
        &self,
        person: &Person,
        network: &str,
        expires_at: Option<Timestamp>,
    ) -> AllowlistEntryId {
        let (store, random) = (&self.app.store, &*self.app.random);
        let organization = self.principal(person).await.organization;
        let entries = store.allowlist_entries(organization.id).await.unwrap();
        let id = AllowlistEntryId::generate(self.now(), random);
        let network = network.parse().unwrap();
        let entry = Entry { id, network, label: None, expires_at };
        let entries = Entries::live(entries, self.now()).with(entry.clone());
        let rules = entries.compiled_into(&known(&organization.allowlist), random);
        let audit = &self.some_audit(organization.id, person.user_id);
        let change = AllowlistChange { organization: &organization, rules: &rules, audit };
        store.add_allowlist_entry(change, &entry, person.user_id, None, random).await.unwrap();
        id
    }

    /// Turns on the allowlist of a person's organization, or changes how it is enforced.
    pub async fn enforce(&self, person: &Person, change: impl FnOnce(&mut Rules)) {
        let (store, random) = (&self.app.store, &*self.app.random);
        let organization = self.principal(person).await.organization;
        let mut rules = Rules { enabled: true, ..known(&organization.allowlist) };
        change(&mut rules);
        let audit = &self.some_audit(organization.id, person.user_id);
        let change = AllowlistChange { organization: &organization, rules: &rules, audit };
        store.set_allowlist(change, random).await.unwrap();
    }

    /// An attribute of Acme, in the table's own notation.
    #[must_use]
    pub fn attribute(&self, name: &str) -> serde_json::Value {
        let partition = format!("ORG#{}", self.admin.organization_id);
        self.raw(&partition)[name].clone()
    }

    /// Notes that the allowlist of a person's organization was evaluated just now.
    pub async fn note_evaluation(&self, person: &Person) {
        let (store, now) = (&self.app.store, self.now());
        store.note_evaluation(person.organization_id, None, now).await.unwrap();
    }

    /// The rules of the allowlist of a person's organization.
    pub async fn rules(&self, person: &Person) -> Rules {
        known(&self.principal(person).await.organization.allowlist)
    }
}

fn known(allowlist: &Allowlist) -> Rules {
    match allowlist {
        Allowlist::Known(rules) => rules.clone(),
        Allowlist::Unreadable => panic!("the allowlist does not decode"),
    }
}
