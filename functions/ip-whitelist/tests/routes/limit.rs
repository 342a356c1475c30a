//! The allowlist with as many entries as it may have.

use harness::{World, at_once};
use serde_json::json;

use crate::add::{add, entries};

fn fill(world: &World, count: u32) {
    fill_with(world, count, |index| format!("10.{}.{}.1/32", index / 256, index % 256));
}

fn fill_with(world: &World, count: u32, network: impl Fn(u32) -> String) {
    for index in 0..count {
        let (id, network) = (format!("ipw_01jq{index:022}"), network(index));
        world.put(&json!({
            "PK": {"S": format!("ALLOWLIST#{}", world.admin.organization_id)},
            "SK": {"S": id}, "id": {"S": id}, "network": {"S": network},
        }));
    }
}

#[tokio::test]
async fn a_thousand_entries_and_not_one_more() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    fill(&world, 999);
    add(&world, &token, json!({"cidr": "192.0.2.1"})).await.expect(201, "");
    let before = world.dump();
    let answer = add(&world, &token, json!({"cidr": "192.0.2.2"})).await;
    answer.expect(409, "limit_reached");
    assert_eq!(world.dump(), before);
    let rules = world.rules(&world.admin).await;
    assert_eq!((rules.entry_count(world.now()), rules.networks.packed_len()), (1000, 4017));
    // A read of the organization with its list and the user: one unit over what it is without.
    let client = world.client(organization::router());
    client.get("/api/organization").bearer(&token).send().await.expect_cost(1, 3.0);
}

/// Those that take the most room, and so are tagged.
#[tokio::test]
async fn a_thousand_ipv6_addresses_that_share_nothing_are_enforced_for_two_units_more() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    let address = |index: u32| format!("2001:db8:{index:x}::{:x}", index + 7);
    fill_with(&world, 999, |index| format!("{}/128", address(index)));
    add(&world, &token, json!({"cidr": address(999)})).await.expect(201, "");
    world.enforce(&world.admin, |_| {}).await;
    let client = world.client(organization::router());
    let read = async |source: String| {
        client.get("/api/organization").from_address(&source).bearer(&token).send().await
    };
    for index in [0, 499, 998, 999] {
        read(address(index)).await.expect_cost(1, 4.0).expect(200, "");
        for other in [format!("{}1", address(index)), address(index + 1000)] {
            read(other).await.expect_cost(1, 4.0).expect(403, "ip_not_allowed");
        }
    }
    let rules = world.rules(&world.admin).await;
    assert_eq!((rules.entry_count(world.now()), rules.networks.packed_len()), (1000, 10_144));
}

#[tokio::test]
async fn of_simultaneous_adds_at_999_one_succeeds() {
    let world = World::new().await;
    let token = world.session(&world.admin).await;
    fill(&world, 999);
    world.gather("TransactWriteItems", 4);
    let adds = (0..4).map(|host| add(&world, &token, json!({"cidr": format!("192.0.2.{host}")})));
    let mut statuses: Vec<_> = at_once(adds)
        .await
        .iter()
        .map(|answer| (answer.status, answer.code().to_owned()))
        .collect();
    statuses.sort();
    let refused = (409, "limit_reached".to_owned());
    assert_eq!(statuses, [(201, String::new()), refused.clone(), refused.clone(), refused]);
    assert_eq!(entries(&world).len(), 1000);
    assert_eq!(world.rules(&world.admin).await.entry_count(world.now()), 1000);
}
