//! The OpenAPI document is usable by machines: a client is made of it, and walks through the running
//! functions.

use std::{path::Path, process::Command};

use system_tests::System;

/// The client and the walk are those of `typed-client/`, which `make test-client` builds.
#[test]
fn a_client_made_of_the_document_signs_in_and_makes_uses_and_revokes_a_key() {
    let system = System::get();
    let walker = system.organization("typed");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let program = root.join("target/typed-client/build/debug/typed-client");
    assert!(program.exists(), "run `make test-client`, which builds {}", program.display());
    let output = Command::new(program)
        .args([system.url(), &walker.email, &walker.password])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
